/** Every variable of the program begins with it. */
export const PREFIX = "MEMBRANE_";

/**
 * What Kubernetes puts into every container of a namespace for a Service named `membrane`, or `membrane-…`: names after
 * Docker's links, and values that no flag takes. They say where some service is, and nothing to this program.
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
 * Names of variables that begin like the program's own and say nothing to it: those without a value, since a template
 * that leaves one empty means that it is not set, those of service links, and other programs' (`MEMBRANES_HOME`).
 */
export function foreignVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith(PREFIX.slice(0, -1)))
    .filter(([name, value = ""]) => !name.startsWith(PREFIX) || value === "" || isServiceLink(name, value))
    .map(([name]) => name);
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINKS.some(([pattern, shape]) => pattern.test(name) && shape.test(value));
}
