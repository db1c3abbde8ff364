import { Application, ReflectionKind } from 'typedoc';

const NEED_A_COMMENT =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Variable |
  ReflectionKind.CallSignature |
  ReflectionKind.Property |
  ReflectionKind.GetSignature;

/** Classes of other packages, of which only the members that are used are declared. */
const DESCRIBED_ELSEWHERE = /\.(?:KeyvLike|KeyvStore|CacheManagerCache)\./;

/**
 * A plugin of TypeDoc: every public symbol has a comment, else the build fails. TypeDoc has such a check, which also wants a
 * comment for each member of an anonymous type. Here the comment of the type that has it is enough.
 */
export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const reflection of project.getReflectionsByKind(NEED_A_COMMENT)) {
      const name = reflection.getFullName();
      if (reflection.hasComment() || name.includes('__type') || DESCRIBED_ELSEWHERE.test(name)) continue;
      app.logger.validationWarning(`${name} (${ReflectionKind[reflection.kind]}) has no comment`);
    }
  });
}
