// Decorated classes need the metadata API before their module is evaluated.
import 'reflect-metadata';
