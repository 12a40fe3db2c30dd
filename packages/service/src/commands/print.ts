import type { FirstCapabilities } from "../management/tenants.ts";
import { escapeText } from "./escape.ts";

/** Where commands write what they were asked for: one line a call. */
export type Print = (line: string) => void;

/**
 * The one way to a person's terminal.
 *
 * @param write takes a line with its end.
 */
export function createPrint(write: (text: string) => void): Print {
  return (line) => write(`${escapeText(line)}\n`);
}

/** What a new service says once: the store cannot be asked for it again. */
export function printFirstCapabilities(print: Print, first: FirstCapabilities, ca: string | undefined): void {
  print(`Made the tenant "${first.tenant}". Its capabilities are shown this once; keep them safe.`);
  print("");
  printUris(print, { ...first.capabilities, "provision (operator)": first.operator.provision });
  printCa(print, ca);
  print("");
}

/** What a new service says once where its output may be kept by others: where its capabilities are, and none of them. */
export function printCapabilitiesFile(
  print: Print,
  tenant: string,
  file: string,
  ca: string | undefined,
): void {
  print(`Made the tenant "${tenant}". Its capabilities are in a file that this user alone can read:`);
  print("");
  print(`  ${file}`);
  print("");
  print("They are kept nowhere else: move the file to a safe place.");
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
