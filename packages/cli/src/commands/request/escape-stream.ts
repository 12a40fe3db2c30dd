import { Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { ACTING, escapeCharacter } from "../../terminal.ts";

/**
 * Turns bytes into text on which a terminal does not act: control characters, invisible characters and bidirectional marks become
 * escapes such as `\u001b`. Tabs, line breaks, and carriage returns before a line break stay.
 */
export function escapeStream(): Transform {
  const decoder = new StringDecoder("utf8");
  let held = "";
  return new Transform({
    decodeStrings: true,
    transform(bytes: Buffer, _encoding, done) {
      const text = held + decoder.write(bytes);
      // What follows a carriage return decides whether it stays.
      held = text.endsWith("\r") ? "\r" : "";
      done(null, escapeText(text.slice(0, text.length - held.length)));
    },
    flush(done) {
      done(null, escapeText(held + decoder.end()));
    },
  });
}

function escapeText(text: string): string {
  return text.replace(ACTING, (character, at: number) => {
    if (character === "\t" || (character === "\r" && text[at + 1] === "\n")) return character;
    return escapeCharacter(character);
  });
}
