/** The first word of every variable of the program. */
export const VARIABLE_NAMESPACE = "MEMBRANE";

export const VARIABLE_PREFIX: string = `${VARIABLE_NAMESPACE}_`;

/**
 * Variables that Kubernetes sets in every container of a namespace for a Service named `membrane` or `membrane-…`. Their
 * names follow Docker's links, and no flag takes such a value.
 */
const SERVICE_LINKS: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/, /^[\d.]+$|^[\da-f:.]+$/i],
  [/_SERVICE_PORT(?:_\w{1,100})?$/, /^\d+$/],
  [/_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP))?$/, /^(?:tcp|udp|sctp):\/\//],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PROTO$/, /^(?:tcp|udp|sctp)$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PORT$/, /^\d+$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_ADDR$/, /^[\d.]+$|^[\da-f:.]+$/i],
];

/**
 * Names of variables that begin like the program's own and are not meant for it: empty ones, which a template leaves for "not
 * set"; service links; and those of other programs (`MEMBRANES_HOME`).
 */
export function foreignVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith(VARIABLE_NAMESPACE))
    .filter(
      ([name, value = ""]) => !name.startsWith(VARIABLE_PREFIX) || value === "" || isServiceLink(name, value),
    )
    .map(([name]) => name);
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINKS.some(([pattern, shape]) => pattern.test(name) && shape.test(value));
}
