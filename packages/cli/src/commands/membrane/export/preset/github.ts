import type { Preset } from "./preset.ts";

export const GITHUB: Preset = {
  name: "github",
  target: "GitHub's REST API",
  access: "read-only",
  uri: "https://api.github.com/",
  credential: { names: ["authorization"], line: "Authorization: Bearer KEY" },
  options: [
    ["allow-path", "true"],
    ["allow-query", "true"],
  ],
  limits: { methods: ["GET", "HEAD"] },
  only: {
    form: "OWNER/REPO, or a repository's number",
    isRequired: false,
    limits(values) {
      const paths = values.map(toPattern).filter((path) => path !== undefined);
      if (paths.length < values.length) return undefined;
      return paths.length === 0 ? {} : { paths };
    },
    note: "GitHub links the next page of a list by the repository's number (its field id): give that too for long lists.",
  },
  clients: ({ authority, token }) => [
    { place: "Options of Octokit", lines: [`{ auth: "${token}", baseUrl: "https://${authority}" }`] },
  ],
  caVariables: ["NODE_EXTRA_CA_CERTS"],
};

function toPattern(given: string): string | undefined {
  // No name of a repository ends so, but the URL of a clone does.
  const value = given.replace(/\.git$/, "");
  if (/^[0-9]{1,20}$/.test(value)) return `/repositories/${value}/**`;
  return /^[A-Za-z0-9-]{1,39}\/(?!\.+$)[\w.-]{1,100}$/.test(value) ? `/repos/${value}/**` : undefined;
}
