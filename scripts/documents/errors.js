import { ERRORS } from "../../packages/service/dist/http/error-table.js";

/** The table of all errors in docs/http-api.md, from the one of the built service. */
export function errorTable() {
  const rows = Object.entries(ERRORS).map(([code, { status, retryAfterSeconds, when }]) => {
    const retry = retryAfterSeconds === undefined ? "" : `; \`Retry-After\``;
    return `| ${status} | \`${code}\` | ${when}${retry} |`;
  });
  return ["| status | `code` | when |", "|---|---|---|", ...rows].join("\n");
}
