import { STATUS_CODES } from "node:http";

/** The reason that Node's server gives for a status of which nothing else says one. */
export function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? "unknown";
}
