import { Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { CONTROL_CHARACTERS, escapeCharacter } from "../../terminal.ts";

/**
 * Turns bytes into text that does not control a terminal: control characters, invisible characters and bidirectional marks
 * become escapes such as `\u001b`. Tabs, line breaks, and carriage returns before a line break stay.
 */
export function escapeStream(): Transform {
  const decoder = new StringDecoder("utf8");
  let pending = "";
  return new Transform({
    decodeStrings: true,
    transform(bytes: Buffer, _encoding, done) {
      const text = pending + decoder.write(bytes);
      // The character after a carriage return decides whether it stays.
      pending = text.endsWith("\r") ? "\r" : "";
      done(null, escapeText(text.slice(0, text.length - pending.length)));
    },
    flush(done) {
      done(null, escapeText(pending + decoder.end()));
    },
  });
}

function escapeText(text: string): string {
  return text.replace(CONTROL_CHARACTERS, (character, at: number) => {
    if (character === "\t" || (character === "\r" && text[at + 1] === "\n")) return character;
    return escapeCharacter(character);
  });
}
