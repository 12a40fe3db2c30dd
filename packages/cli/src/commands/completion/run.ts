import { readFile } from "node:fs/promises";
import type { Io } from "../../io.ts";

export function read(): object {
  return {};
}

export async function run(_input: object, io: Io): Promise<void> {
  io.stdout.write(await readFile(new URL(`../../../completions/capi.${io.shell}`, import.meta.url)));
}
