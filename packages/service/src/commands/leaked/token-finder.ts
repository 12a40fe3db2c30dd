import type { CapabilityToken } from "capability-protocol";
import { parseToken, TOKEN_LENGTH } from "capability-protocol";

/** A token in a text, and the line in which it begins, from 1. */
export interface FoundToken {
  readonly token: CapabilityToken;
  readonly line: number;
}

/** Finds tokens in a text of any length, piece by piece. */
export interface TokenFinder {
  /** @returns the tokens that end in this piece, in their order. */
  push(piece: Uint8Array): readonly FoundToken[];
  /** To be called once, after the last piece. @returns how many tokens of the text have lost their end. */
  end(): number;
}

const PREFIX = "CPBLTY1-";

/** The rest of a token that has lost its end. Without any of it there may have been none. */
const CUT_REST = /^[A-Za-z0-9_-]{1,85}(?![A-Za-z0-9_-])/;

/**
 * Makes a finder that keeps less than a token from one piece to the next. Tokens that
 * overlap are found too: letters before a token must not hide it. NUL is skipped, so that ASCII in UTF-16 is read.
 */
export function createTokenFinder(): TokenFinder {
  let carried = "";
  let line = 1;
  let truncated = 0;
  /** Where the last token ends, from the beginning of what is carried: what is within it is not a token that lost its end. */
  let tokenEnd = 0;

  /** Finds what begins before an index. */
  const findIn = (text: string, end: number): readonly FoundToken[] => {
    const found: FoundToken[] = [];
    let counted = 0;
    const lineOf = (index: number): number => {
      line += countLineEnds(text, counted, index);
      counted = index;
      return line;
    };
    for (let at = text.indexOf(PREFIX); at !== -1 && at < end; at = text.indexOf(PREFIX, at + 1)) {
      const whole = text.slice(at, at + TOKEN_LENGTH);
      const token = parseToken(whole);
      if (token !== undefined) {
        found.push({ token, line: lineOf(at) });
        tokenEnd = at + TOKEN_LENGTH;
      } else if (at >= tokenEnd && CUT_REST.test(whole.slice(PREFIX.length))) truncated += 1;
    }
    lineOf(end);
    carried = text.slice(end);
    tokenEnd -= end;
    return found;
  };
  return {
    push(piece) {
      const text = carried + asBuffer(piece).toString("latin1").replaceAll("\0", "");
      return findIn(text, Math.max(0, text.length - TOKEN_LENGTH + 1));
    },
    end() {
      findIn(carried, carried.length);
      return truncated;
    },
  };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function countLineEnds(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
