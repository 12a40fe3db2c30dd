import fc from "fast-check";
import { body, framedBody, join, MALFORMED_LINES, mostly } from "./fuzz-messages.ts";
import type { GeneratedText } from "./fuzz-mutations.ts";
import { arbitraryScript } from "./fuzz-mutations.ts";
import type { Script } from "./fuzz-script.ts";
import { MARK } from "./fuzz-script.ts";

const nothing: GeneratedText = { pieces: [], isSound: true };

const informational: fc.Arbitrary<GeneratedText> = fc.oneof(
  { arbitrary: fc.constant(nothing), weight: 8 },
  {
    arbitrary: fc
      .array(
        fc.constantFrom(
          "HTTP/1.1 102 Processing\r\n\r\n",
          `HTTP/1.1 103 Early Hints\r\nLink: <${MARK}>\r\n\r\n`,
        ),
        { minLength: 1, maxLength: 16 },
      )
      .map((pieces) => ({ pieces, isSound: true })),
    weight: 1,
  },
  {
    arbitrary: fc
      .constantFrom(
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17),
        "HTTP/1.1 102 Processing\r\n\r\n".repeat(2_000),
        "HTTP/1.1 103 Early Hints\r\nContent-Length: 8\r\n\r\n",
        "HTTP/1.1 199 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\r\r\n\r\n",
      )
      .map((piece) => ({ pieces: [piece], isSound: false })),
    weight: 1,
  },
);

const statusLine = mostly(
  ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 Not Found\r\n", "HTTP/1.1 500 \r\n", "HTTP/1.0 200 OK\r\n"],
  [
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 205 Reset Content\r\n",
    "HTTP/1.1 600 High\r\n",
    "HTTP/1.1 099 Low\r\n",
    "HTTP/2.0 200 OK\r\n",
    ...["HTTP/1.10", "HTTP/01.1", "HTTP/1.", "HTTP/0.9", "HTTP/5.6", "HTTPER/1.1", "HTP/1.1"].map(
      (version) => `${version} 200 OK\r\n`,
    ),
    "HTTP/1.1  200 OK\r\n",
    "HTTP/1.1\t200 OK\r\n",
    "HTTP/1.1 200  OK\r\n",
    "HTTP/1.1 200\tOK\r\n",
    "HTTP/1.1 200\r\n",
    "HTTP/1.1 2OO OK\r\n",
    "HTTP/1.1 0200 OK\r\n",
    "HTTP/1.1 200OK\r\n",
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 O\rK\r\n",
    "HTTP/1.1 200 O\0K\r\n",
    " HTTP/1.1 200 OK\r\n",
    "\r\n\r\nHTTP/1.1 200 OK\r\n",
    `HTTP/1.1 200 ${"long ".repeat(300)}\r\n`,
    "HTTP/1.1 200 \x01\r\n",
    "HTTP/1.1 200 OK\r\r\n",
    "HTTP/1.1 200 OK\r\r\r\n",
  ],
);

const headers: fc.Arbitrary<GeneratedText> = fc
  .array(
    mostly(
      [
        "Content-Type: text/plain\r\n",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
        "Keep-Alive: timeout=1\r\n",
        "Set-Cookie: a=b\r\n",
        "Vary: *\r\n",
        'Cache-Control: public, s-maxage=9, x="\r\n',
        "X-Empty:\r\n",
        "X-Latin: \xe9\r\n",
      ],
      [
        "Connection: X-Mark, Content-Length, Transfer-Encoding\r\n",
        "Keep-Alive: timeout=0\r\n",
        "Upgrade: h2c\r\n",
        "Content-Encoding: gzip\r\n",
        "Trailer: X-Mark\r\n",
        ": no name\r\n",
        ...MALFORMED_LINES,
        "Connection: close\t\r\n",
        " X: y\r\n",
        "X: y\r\n".repeat(1_000),
      ],
    ),
    { maxLength: 3 },
  )
  .map(join);

const untilTheEnd = body.map((text): GeneratedText => ({ pieces: ["\r\n", text], isSound: true }));

const surplus = fc.oneof(
  { arbitrary: fc.constant(nothing), weight: 6 },
  {
    arbitrary: fc
      .constantFrom(
        `HTTP/1.1 200 OK\r\nX-Mark: ${MARK}\r\nContent-Length: 8\r\n\r\n${MARK}`,
        "\r\n",
        MARK,
        "\0",
      )
      .map((piece): GeneratedText => ({ pieces: [piece], isSound: true })),
    weight: 1,
  },
);

const mark: GeneratedText = { pieces: [`X-Mark: ${MARK}\r\n`], isSound: true };

const response: fc.Arbitrary<GeneratedText> = fc.oneof(
  {
    arbitrary: fc.tuple(informational, statusLine, fc.constant(mark), headers, framedBody, surplus).map(join),
    weight: 6,
  },
  {
    arbitrary: fc.tuple(informational, statusLine, fc.constant(mark), headers, untilTheEnd).map(join),
    weight: 1,
  },
);

/** Generates responses of a target. */
export const arbitraryResponse: fc.Arbitrary<Script> = arbitraryScript(response, [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\n\r\n",
  "HTTP/1.1 204 No Content\r\n",
  "HTTP/1.1 304 Not Modified\r\n",
  `HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n${MARK}`,
]);
