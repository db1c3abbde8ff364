const tokens = new WeakMap<object, Map<string, symbol>>();

/** The token of the cached repository of an entity: one for each entity and data source. */
export function repositoryToken(entity: object, name: string, dataSource = 'default'): symbol {
  const ofEntity = tokens.get(entity) ?? new Map<string, symbol>();
  tokens.set(entity, ofEntity);
  const token = ofEntity.get(dataSource) ?? Symbol(`CachedRepository of ${dataSource}.${name}`);
  ofEntity.set(dataSource, token);
  return token;
}
