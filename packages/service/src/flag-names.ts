import { VARIABLE_PREFIX } from "./variables.ts";

/** How the parser's name of a flag is written on the command line, without the dashes: `maxTenants` is `max-tenants`. */
export function toKebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The variable that stands for a flag: `MEMBRANE_MAX_TENANTS` for `max-tenants`. */
export function toVariable(flag: string): string {
  return `${VARIABLE_PREFIX}${flag.replaceAll("-", "_").toUpperCase()}`;
}
