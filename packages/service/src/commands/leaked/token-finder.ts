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
}

const PREFIX = "CPBLTY1-";

/**
 * Makes a finder that keeps less than a token from one piece to the next. Tokens that
 * overlap are found too: letters before a token must not hide it. NUL is skipped, so that ASCII in UTF-16 is read.
 */
export function createTokenFinder(): TokenFinder {
  let carried = "";
  let line = 1;
  return {
    push(piece) {
      const text = carried + asBuffer(piece).toString("latin1").replaceAll("\0", "");
      const found: FoundToken[] = [];
      let counted = 0;
      const lineOf = (index: number): number => {
        line += countLineEnds(text, counted, index);
        counted = index;
        return line;
      };
      for (let at = text.indexOf(PREFIX); at !== -1; at = text.indexOf(PREFIX, at + 1)) {
        const token = parseToken(text.slice(at, at + TOKEN_LENGTH));
        if (token !== undefined) found.push({ token, line: lineOf(at) });
      }
      const kept = Math.max(0, text.length - TOKEN_LENGTH + 1);
      lineOf(kept);
      carried = text.slice(kept);
      return found;
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
