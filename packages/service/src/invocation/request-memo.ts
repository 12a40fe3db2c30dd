import type { Outcome } from "../domain/denial.ts";
import type { CompiledLimits } from "./limits/compiled-limits.ts";
import type { PreparedTarget } from "./prepared-target.ts";
import type { ShapedRequest } from "./shape.ts";

/**
 * What was made of a head that has come before on its connection, byte for byte. Everything here is a pure function of these bytes, of the
 * target and of its limits, and of the second for a signature. Whether the capability is alive, valid and within its limits of use is asked
 * for each request.
 */
export class RequestMemo {
  #prepared: Prepared | undefined;
  #signed: Signed | undefined;

  /** The upstream request for a target under limits. */
  prepared(
    target: PreparedTarget,
    limits: CompiledLimits | undefined,
    make: () => Outcome<ShapedRequest>,
  ): Outcome<ShapedRequest> {
    const known = this.#prepared;
    if (known !== undefined && known.target === target && known.limits === limits) return known.outcome;
    const outcome = make();
    this.#prepared = { target, limits, outcome };
    return outcome;
  }

  /**
   * The headers of an upstream request, with its signature.
   *
   * @param second of the signature, since 1970: all signatures have their time in whole seconds.
   */
  signed(
    shaped: ShapedRequest,
    payload: string,
    unsigned: readonly string[],
    second: number,
    make: () => readonly string[],
  ): readonly string[] {
    const known = this.#signed;
    if (
      known !== undefined &&
      known.shaped === shaped &&
      known.unsigned === unsigned &&
      known.second === second &&
      known.payload === payload
    )
      return known.headers;
    const headers = make();
    this.#signed = { shaped, payload, unsigned, second, headers };
    return headers;
  }
}

/** A larger resolution is not kept with what was made for it: thousands of connections may have one each, which nothing counts. */
const MAX_RESOLUTION_BYTES = 32 * 1024;

/** @returns the head without its memo, if that would keep too much. */
export function withBoundedMemo<Head extends { readonly memo: RequestMemo | undefined }>(
  head: Head,
  resolution: { readonly bytes: number },
): Head {
  return head.memo === undefined || resolution.bytes <= MAX_RESOLUTION_BYTES
    ? head
    : { ...head, memo: undefined };
}

interface Prepared {
  readonly target: PreparedTarget;
  readonly limits: CompiledLimits | undefined;
  readonly outcome: Outcome<ShapedRequest>;
}

interface Signed {
  readonly shaped: ShapedRequest;
  readonly payload: string;
  readonly unsigned: readonly string[];
  readonly second: number;
  readonly headers: readonly string[];
}
