import { readFileSync } from "node:fs";
import { TOKEN_PATTERN } from "capability-protocol";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { parse } from "yaml";

const FOUND = read("fixtures/found.txt");
const NOT_FOUND = read("fixtures/not-found.txt");
const TOKENS = FOUND.match(new RegExp(TOKEN_PATTERN, "g")) ?? [];

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}

/** Every match by RE2, which gitleaks uses, and whose syntax Hyperscan of GitHub has too. It refuses what it cannot do in linear time. */
function matches(expression: string, text: string, group = 0): string[] {
  const matcher = RE2JS.compile(expression).matcher(text);
  const found: string[] = [];
  while (matcher.find()) found.push(matcher.group(group) ?? "");
  return found;
}

/** The fields of the one rule in the file of gitleaks. */
function gitleaksRule() {
  const text = read("gitleaks.toml");
  expect(text.match(/^\[\[rules\]\]$/gm)).toHaveLength(1);
  const field = (name: string) => new RegExp(`^${name} = (?:'''(.*)'''|\\["(.*)"\\]|(.*))$`, "m").exec(text);
  const [regex, keyword, entropy] = [field("regex")?.[1], field("keywords")?.[2], field("entropy")?.[3]];
  return { regex: regex ?? "", keyword: keyword ?? "", entropy: Number(entropy) };
}

/** Bits for each character, as gitleaks counts them. */
function entropyOf(text: string): number {
  const letters = [...new Set(text)];
  const shares = letters.map((letter) => (text.split(letter).length - 1) / text.length);
  return shares.reduce((sum, share) => sum - share * Math.log2(share), 0);
}

test("the rule of gitleaks finds every token of the fixtures, in the syntax of RE2, and no example of the documents", () => {
  const { regex, keyword, entropy } = gitleaksRule();
  // gitleaks looks for the keyword first, in lower case.
  const scan = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.toLowerCase().includes(keyword))
      .flatMap((line) => matches(regex, line))
      .filter((secret) => entropyOf(secret) > entropy);
  expect(TOKENS).toHaveLength(9);
  expect(scan(FOUND)).toEqual(TOKENS);
  expect(scan(NOT_FOUND)).toEqual([]);
});

test("the custom pattern of GitHub finds every token of the fixtures and its test string, and no example of the documents", () => {
  const { patterns } = parse(read("github-patterns.yml"));
  expect(patterns).toHaveLength(1);
  const [{ regex, test: example }] = patterns;
  const [start, pattern, end] = [regex.start, regex.pattern, regex.end].map((text: string) => text.trim());
  const scan = (text: string) =>
    matches(`(?:${start})(${pattern})(?:${end})`, text, 1).filter((secret) =>
      regex.additional_not_match.every((other: string) => matches(other, secret).length === 0),
    );
  expect(scan(FOUND)).toEqual(TOKENS);
  expect(scan(NOT_FOUND)).toEqual([]);
  const { data, start_offset: from, end_offset: to } = example;
  expect(scan(data)).toEqual([data.slice(from, to)]);
});

test("both rules have the published pattern", () => {
  expect(gitleaksRule().regex).toBe(TOKEN_PATTERN.source);
  expect(parse(read("github-patterns.yml")).patterns[0].regex.pattern.trim()).toBe(TOKEN_PATTERN.source);
});
