/** The first words of Redis's replies to what it does not do. They may stand behind what ioredis says of a reply. */
const REFUSALS = /\b(?:NOAUTH|WRONGPASS|NOPERM|OOM|MISCONF|READONLY|NOREPLICAS|LOADING|MASTERDOWN|CLUSTERDOWN)\b/;

/** Why Redis did not do what it was asked, by a word that is the same for one cause. Undefined for other messages. */
export function redisRefusal(message: string): string | undefined {
  const word = REFUSALS.exec(message)?.[0];
  return word === 'NOAUTH' || word === 'WRONGPASS' ? 'authentication' : word;
}
