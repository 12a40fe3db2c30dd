import { MAX_LINE_BYTES, parseLine } from "../../../src/audit/chain.ts";
import { parseOpenedLine } from "../../../src/audit/opened-line.ts";
import { createVerifier } from "../../../src/audit/verify.ts";
import { createServiceKeys } from "../../../src/store/keys.ts";
import type { Reader } from "./reader.ts";
import { reader } from "./reader.ts";

const KEYS = createServiceKeys(Buffer.alloc(32, 7));
const MAC = "0a".repeat(32);
const LINE = `{"time":"2026-11-30T00:00:00.000Z","writer":"${"0a".repeat(16)}","seq":1,"key":1,"event":"opened","mac":"${MAC}"}`;
const OPENED = `,"event":"opened","started":"2026-11-30T00:00:00.000Z","previous":"${MAC}"`;

/** What anyone who can write to the file of the audit trail puts into it. */
export const AUDIT_READERS: readonly Reader[] = [
  reader("service/src/audit/chain.ts#parseLine", MAX_LINE_BYTES, LINE, (text) =>
    parseLine(Buffer.from(text)),
  ),
  reader("service/src/audit/opened-line.ts#parseOpenedLine", MAX_LINE_BYTES, OPENED, (text) =>
    parseOpenedLine({ event: "opened", text: Buffer.from(text) }),
  ),
  // All that verifies a line.
  reader("service/src/audit/read-lines.ts#readLines", MAX_LINE_BYTES, LINE, (text) => {
    const heads = { heads: [], damaged: 0 };
    const verifier = createVerifier({ keys: KEYS, heads, since: 0, onProblem: () => undefined });
    verifier.line(Buffer.from(text).subarray(0, MAX_LINE_BYTES - 1), { file: "f", line: 1 });
  }),
];
