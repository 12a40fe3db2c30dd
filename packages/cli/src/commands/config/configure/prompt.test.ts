import fc from "fast-check";
import { ok, refuse } from "capability-protocol";
import { expect, test } from "vitest";
import { CTRL_C, CTRL_D, createTestIo } from "../../../../test/support/terminal.ts";
import { Prompt } from "./prompt.ts";

const SECRET = { text: "secret: ", isEchoed: false };
const FILE = { text: "file: ", isEchoed: true };

function open() {
  const io = createTestIo("/nowhere");
  const prompt = new Prompt(io);
  return { ...io, prompt, type: (text: string) => void io.stdin.write(text) };
}

test("a secret is asked for on standard error and not shown while it is typed", async () => {
  const { prompt, stdout, stderr, type } = open();
  const answer = prompt.ask(SECRET);
  for (const key of "pass\u007fsword\r") type(key);
  expect(await answer).toBe("password");
  expect(stderr.text).toBe("secret: \n");
  expect(stdout.text).toBe("");
  prompt.close();
});

test("an answer that is not secret is shown while it is typed", async () => {
  const { prompt, stderr, type } = open();
  const answer = prompt.ask(FILE);
  type("ca.pem\r");
  expect(await answer).toBe("ca.pem");
  expect(stderr.text).toContain("file: ");
  expect(stderr.text).toContain("ca.pem");
  prompt.close();
});

test("answers that are pasted at once reach their questions in order, however the input is split", async () => {
  const line = fc.string({ unit: fc.constantFrom("a", "Z", "9", "/", "#", "é", " "), maxLength: 8 });
  const lines = fc.array(line, { minLength: 1, maxLength: 5 });
  const cuts = fc.array(fc.nat(60), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom("\r", "\n", "\r\n"), cuts, async (lines, end, cuts) => {
      const { prompt, stdin, stderr } = open();
      const pasted = Buffer.from(lines.map((line) => line + end).join(""));
      const places = [0, ...cuts.toSorted((a, b) => a - b), pasted.length];
      for (const [index, directory] of places.entries())
        stdin.write(pasted.subarray(places[index - 1] ?? 0, directory));
      for (const line of lines) expect(await prompt.ask(SECRET)).toBe(line.trim());
      expect(stderr.text).toBe("secret: \n".repeat(lines.length));
      prompt.close();
    }),
    { numRuns: 200 },
  );
});

test("a secret that is pasted before its question, after an answer that is shown, is not shown", async () => {
  const { prompt, stderr, type } = open();
  const file = prompt.ask(FILE);
  type("ca.pem\rhush\r");
  expect([await file, await prompt.ask(SECRET)]).toEqual(["ca.pem", "hush"]);
  expect(stderr.text).not.toContain("hush");
  prompt.close();
});

test("no key shows an earlier secret at a question whose answer is shown", async () => {
  const { prompt, stderr, type } = open();
  const secret = prompt.ask(SECRET);
  type("hush\r");
  await secret;
  const file = prompt.ask(FILE);
  type("\u001b[A\u001b[B\u0010\u001f\r");
  expect(await file).toBe("");
  expect(stderr.text).not.toContain("hush");
  prompt.close();
});

test("after a wrong answer the question is asked again with what was expected, and text pasted after it is dropped", async () => {
  const { prompt, stderr, type } = open();
  const answer = prompt.askUntilValid(SECRET, onlyRight);
  type("wrong\rright\r");
  await stderr.until("secret: ", 2);
  expect(stderr.text).toBe("secret: \nExpected the right word.\nsecret: ");
  type("right\r");
  expect(await answer).toBe("right");
  prompt.close();
});

test("the third wrong answer is an error", async () => {
  const { prompt, stderr, type } = open();
  const answer = prompt.askUntilValid(SECRET, onlyRight);
  for (const attempt of [1, 2, 3]) {
    await stderr.until("secret: ", attempt);
    type("hush\r");
  }
  await expect(answer).rejects.toThrow("wrong answer, 3 times: expected the right word");
  expect(stderr.text.split("secret: ")).toHaveLength(4);
  expect(stderr.text).not.toContain("hush");
  prompt.close();
});

test.each([
  ["Ctrl-C", CTRL_C],
  ["Ctrl-C in the middle of an answer", `hus${CTRL_C}`],
  ["Ctrl-D", CTRL_D],
])("%s cancels, and the terminal is restored", async (_keys, keys) => {
  for (const question of [SECRET, FILE]) {
    const { prompt, stdin, stderr, type } = open();
    const answer = prompt.ask(question);
    expect(stdin.isRaw).toBe(true);
    type(keys);
    await expect(answer).rejects.toThrow(/^cancelled$/);
    expect(stdin.isRaw).toBe(false);
    expect(stderr.text.endsWith("\n")).toBe(true);
    await expect(prompt.ask(question)).rejects.toThrow(/^cancelled$/);
  }
});

test("the end of the input cancels", async () => {
  const { prompt, stdin } = open();
  const answer = prompt.ask(SECRET);
  stdin.end();
  await expect(answer).rejects.toThrow(/^cancelled$/);
});

test("unused answers are refused, and blank lines are not", async () => {
  const { prompt, type } = open();
  type("one\r\r \r");
  await prompt.ask(SECRET);
  expect(() => prompt.requireNoMoreInput()).not.toThrow();
  type("two\r");
  expect(() => prompt.requireNoMoreInput()).toThrow("more answers than questions");
  prompt.close();
});

test("between two questions the terminal stays in raw mode, and closing restores it", async () => {
  const { prompt, stdin, type } = open();
  const answer = prompt.ask(SECRET);
  type("one\r");
  await answer;
  expect(stdin.isRaw).toBe(true);
  prompt.close();
  expect(stdin.isRaw).toBe(false);
});

async function onlyRight(answer: string) {
  return answer === "right" ? ok(answer) : refuse("word", "the right word");
}
