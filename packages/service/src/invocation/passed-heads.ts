import { ok } from "capability-protocol";
import type { Outcome } from "../domain/denial.ts";
import type { SentRequest } from "./reference-filter.ts";
import { dependsOnRequest } from "./reference-filter.ts";
import type { ResponseHead } from "./response-head.ts";
import { buildResponseHead } from "./response-head.ts";

/** The head of a target's response as it arrived. */
export interface ReceivedHead {
  readonly status: number;
  readonly reason: string;
  /** Flat list: name, value, … */
  readonly lines: readonly string[];
  /** See {@link buildResponseHead}. */
  readonly isBodiless: boolean;
  /** An earlier response had the same head, status and reason included, in this list of lines. */
  readonly isRepeated: boolean;
}

/** The head that a client gets. */
export interface PassedHead extends ResponseHead {
  /** Its list of headers is that of other responses, too. */
  readonly isRepeated: boolean;
}

/**
 * Shapes the heads of targets for clients. A head that comes again is shaped once, if it is the same for every request: most are. It is
 * kept as long as the target's head.
 */
export class PassedHeads {
  readonly #cors: readonly string[];
  readonly #kept = new WeakMap<readonly string[], PassedHead>();

  /** @param cors header lines of CORS, for every response. */
  constructor(cors: readonly string[]) {
    this.#cors = cors;
  }

  /** @returns a refusal where {@link buildResponseHead} does. */
  passOn(received: ReceivedHead, request: SentRequest): Outcome<PassedHead> {
    const { status, reason, lines, isBodiless } = received;
    const isRepeated = received.isRepeated && !isBodiless;
    const known = isRepeated ? this.#kept.get(lines) : undefined;
    if (known !== undefined) return ok(known);
    const built = buildResponseHead(status, reason, lines, this.#cors, request, isBodiless);
    if (!built.ok) return built;
    const isKept = isRepeated && !dependsOnRequest(status, lines);
    const head = { isRepeated: isKept, ...built.value };
    if (isKept) this.#kept.set(lines, head);
    return ok(head);
  }
}
