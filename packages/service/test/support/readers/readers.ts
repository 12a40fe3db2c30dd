import { AUDIT_READERS } from "./audit.ts";
import { BODY_READERS } from "./bodies.ts";
import { CLIENT_READERS } from "./clients.ts";
import { HEAD_READERS } from "./heads.ts";
import { INVOCATION_READERS } from "./invocation.ts";
import { RESPONSE_READERS } from "./responses.ts";
import { SIGNER_READERS } from "./signers.ts";
import { SYNTAX_READERS } from "./syntax.ts";
import type { Reader } from "./reader.ts";

/** Every parser of what clients, exporters, targets, other services and files send. */
export const READERS: readonly Reader[] = [
  ...AUDIT_READERS,
  ...BODY_READERS,
  ...CLIENT_READERS,
  ...HEAD_READERS,
  ...INVOCATION_READERS,
  ...RESPONSE_READERS,
  ...SIGNER_READERS,
  ...SYNTAX_READERS,
];
