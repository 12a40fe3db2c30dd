import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import type { ServeConfig } from "../../config.ts";
import { errorCode, hasCode } from "../../error-code.ts";
import type { Finding } from "./finding.ts";

/** Checks whether the audit trail can be written, and makes nothing. */
export async function checkAudit({ audit }: Pick<ServeConfig, "audit">): Promise<readonly Finding[]> {
  if (audit === undefined) return [];
  const { file } = audit;
  try {
    await access(file, constants.R_OK | constants.W_OK);
    return [{ ok: true, what: `audit trail: ${file}` }];
  } catch (error) {
    if (!hasCode(error, "ENOENT")) return [refused(file, error)];
  }
  try {
    await access(dirname(file), constants.W_OK | constants.X_OK);
    return [{ ok: true, what: `audit trail: none yet, the next start makes ${file}` }];
  } catch (error) {
    return [refused(file, error)];
  }
}

function refused(file: string, error: unknown): Finding {
  return {
    ok: false,
    what: `audit trail: ${file} cannot be written (${errorCode(error) ?? "failed"}): name a file that this user may write with --audit`,
  };
}
