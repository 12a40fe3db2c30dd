import type { FirstCapabilities } from "../management/tenants.ts";

/** Where commands write what they were asked for. */
export type Print = (line: string) => void;

/** What a new service says once: the store cannot be asked for it again. */
export function printFirst(print: Print, first: FirstCapabilities, ca: string | undefined): void {
  print(`Made the tenant "${first.tenant}". Its capabilities are shown this once; keep them safe.`);
  print("");
  printUris(print, { ...first.capabilities, "provision (operator)": first.operator.provision });
  if (ca !== undefined) print(`\nClients trust this service by its CA certificate: ${ca}`);
  print("");
}

/** What a new service says once where its output may be kept by others: where its capabilities are, and none of them. */
export function printKept(print: Print, tenant: string, file: string, ca: string | undefined): void {
  print(`Made the tenant "${tenant}". Its capabilities are in a file that this user alone can read:`);
  print(`\n  ${file}\n`);
  print("They are kept nowhere else: move the file to a safe place.");
  if (ca !== undefined) print(`\nClients trust this service by its CA certificate: ${ca}`);
  print("");
}

/** The same for a program, as `init --json` prints it and a start without a terminal writes it. */
export function formatFirst(first: FirstCapabilities, ca: string | undefined): string {
  return JSON.stringify({ ...first, ...(ca === undefined ? {} : { ca }) }, null, 2);
}

export function printUris(print: Print, uris: object): void {
  const width = Math.max(...Object.keys(uris).map((name) => name.length));
  for (const [name, uri] of Object.entries(uris)) print(`  ${name.padEnd(width)}  ${uri}`);
}

export function printJson(print: Print, value: object): void {
  print(JSON.stringify(value, null, 2));
}
