import 'reflect-metadata';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { decorateClass, decorateMethod } from './decorate.mjs';
import { documentOf } from './values.mjs';

const DOCUMENT = documentOf(1_024);

/** A controller with one route over a service with one method, and what a subject puts on either. */
export function httpApplication({ imports = [], onRoute = [], onService = [], onController = [] }) {
  class Service {
    async find() {
      return DOCUMENT;
    }
  }
  decorateMethod(Service.prototype, 'find', onService);
  decorateClass(Service, [Injectable()]);
  class Documents {
    constructor(service) {
      this.service = service;
    }
    async find() {
      return this.service.find();
    }
  }
  decorateMethod(Documents.prototype, 'find', [Get(), ...onRoute]);
  decorateClass(Documents, [Controller('documents'), ...onController], [Service]);
  Inject(Service)(Documents, undefined, 0);
  class Application {}
  decorateClass(Application, [Module({ imports, providers: [Service], controllers: [Documents] })]);
  return Application;
}
