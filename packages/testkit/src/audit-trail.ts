import { readFile } from "node:fs/promises";
import type { DataDirectory } from "../../service/src/commands/data-directory.ts";
import { parseLine } from "../../service/src/audit/chain.ts";
import { readLines } from "../../service/src/audit/read-lines.ts";
import type { TrailProblem, Verification } from "../../service/src/audit/verify.ts";
import { createVerifier } from "../../service/src/audit/verify.ts";

/** A line of an audit trail. */
export type AuditLine = Readonly<Record<string, any>> & { readonly event: string };

/** Reads the lines of a trail that are whole. */
export async function readTrail(...files: readonly string[]): Promise<readonly AuditLine[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts
    .flatMap((text) => text.split("\n"))
    .filter((line) => parseLine(Buffer.from(line)) !== undefined)
    .map((line): AuditLine => JSON.parse(line));
}

/** Verifies a trail against the store of a service in this process. */
export async function verifyTrail(
  { store, keys }: Pick<DataDirectory, "store" | "keys">,
  ...files: readonly string[]
): Promise<Verification & { readonly problems: readonly TrailProblem[] }> {
  const problems: TrailProblem[] = [];
  const heads = await store.auditHeads();
  const verifier = createVerifier({ keys, heads, since: 0, onProblem: (each) => problems.push(each) });
  for (const file of files)
    for await (const { number, bytes } of readLines(file)) verifier.line(bytes, { file, line: number });
  return { ...verifier.finish(), problems };
}
