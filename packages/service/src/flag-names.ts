import { VARIABLE_PREFIX } from "./variables.ts";

/** A flag on the command line, without the dashes, from its name in the configuration: `max-tenants` for `maxTenants`. */
export function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Returns the variable for a flag: `MEMBRANE_MAX_TENANTS` for `max-tenants`. */
export function toVariable(flag: string): string {
  return `${VARIABLE_PREFIX}${flag.replaceAll("-", "_").toUpperCase()}`;
}
