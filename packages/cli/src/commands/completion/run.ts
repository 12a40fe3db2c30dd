import { readFile } from "node:fs/promises";
import type { Io } from "../../io.ts";

export async function runCompletion(_input: object, io: Io): Promise<void> {
  io.stdout.write(await readFile(new URL(`../../../completions/capi.${io.shell}`, import.meta.url)));
}
