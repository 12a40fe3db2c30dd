import type { FirstCapabilities } from "../management/tenants.ts";
import { escapeText } from "./escape.ts";

/** Prints one line of a command's output. */
export type Print = (line: string) => void;

/**
 * The only way in which text reaches a terminal: escapes what a terminal could act on.
 *
 * @param write gets each line with its line end.
 */
export function createPrint(write: (text: string) => void): Print {
  return (line) => write(`${escapeText(line)}\n`);
}

/** Prints the capabilities of a new service, once: they are not stored. */
export function printFirstCapabilities(print: Print, first: FirstCapabilities, ca: string | undefined): void {
  print(`Made the tenant "${first.tenant}". Its capabilities are shown only now: keep them safe.`);
  print("");
  printUris(print, { ...first.capabilities, "provision (operator)": first.operator.provision });
  printCa(print, ca);
  print("");
}

/** Prints where the capabilities of a new service are, and none of them: others may keep the output. */
export function printCapabilitiesFile(
  print: Print,
  tenant: string,
  file: string,
  ca: string | undefined,
): void {
  print(`Made the tenant "${tenant}". Its capabilities are in a file that only this user can read:`);
  print("");
  print(`  ${file}`);
  print("");
  print("The service stores them nowhere else: move the file to a safe place.");
  printCa(print, ca);
  print("");
}

function printCa(print: Print, ca: string | undefined): void {
  if (ca === undefined) return;
  print("");
  print(`Clients trust this service by its CA certificate: ${ca}`);
}

export function printUris(print: Print, uris: object): void {
  const width = Math.max(...Object.keys(uris).map((name) => name.length));
  for (const [name, uri] of Object.entries(uris)) print(`  ${name.padEnd(width)}  ${uri}`);
}

export function printJson(print: Print, value: object): void {
  JSON.stringify(value, null, 2).split("\n").forEach(print);
}
