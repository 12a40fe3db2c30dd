import type { Problem, Result } from "capability-protocol";
import { err } from "capability-protocol";

/** The bytes that end a line. */
export const CR = 0x0d;
export const LF = 0x0a;

/** Refuses a body. */
export function invalidBody(expected: string): Result<never, Problem> {
  return err({ field: "body", expected });
}
