/** A line of a Containerfile: `COPY --from=build a b` has the flag `from`, and the text `a b`. */
export interface Instruction {
  readonly name: string;
  readonly flags: ReadonlyMap<string, string>;
  readonly text: string;
}

/** What is built on the image of another stage, or on one of a registry. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

/** Reads the subset of the Containerfile format that has no heredocs and no line continuations. */
export function parseContainerFile(text: string): readonly Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const { name, flags, text: rest } = parseInstruction(line);
    // Arguments before the first stage only name its image.
    if (name === "ARG" && stages.length === 0) continue;
    if (name === "FROM") {
      const [base = "", stage = ""] = rest.split(" AS ");
      stages.push({ name: stage, base, instructions: [] });
    } else stages.at(-1)!.instructions.push({ name, flags, text: rest });
  }
  return stages;
}

function parseInstruction(line: string): Instruction {
  const [, name = "", flags = "", text = ""] = /^([A-Z]+) ((?:--\S+ )*)(.*)$/.exec(line) ?? [];
  if (name === "") throw new Error(`no instruction: ${line}`);
  const pairs = flags
    .trim()
    .split(" ")
    .filter((flag) => flag !== "");
  return {
    name,
    flags: new Map(pairs.map((flag) => [flag.slice(2).replace(/=.*/, ""), flag.replace(/^[^=]*=/, "")])),
    text,
  };
}

/** The files of a build's context: those that the patterns of .dockerignore leave, of which the last that fits decides. */
export function contextFiles(ignore: string, files: readonly string[]): readonly string[] {
  const rules = ignore
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keeps: line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "")) }));
  return files.filter((file) => rules.findLast(({ pattern }) => pattern.test(file))?.keeps !== false);
}

/** A pattern fits a path, and all below it. */
function toPattern(glob: string): RegExp {
  const source = glob
    .replaceAll(".", "\\.")
    .replaceAll("**/", "\0")
    .replaceAll("*", "[^/]*")
    .replaceAll("\0", "(?:.*/)?");
  return new RegExp(`^${source}(?:/|$)`);
}
