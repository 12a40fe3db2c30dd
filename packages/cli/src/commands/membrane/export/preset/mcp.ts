import type { Preset } from "./preset.ts";

/** What a client needs to find a tool and call it. */
const METHODS = ["server/discover", "tools/list", "tools/call"];

/** The first version in which a server must check that the headers equal the body. */
const VERSION = "2026-07-28";

export const MCP: Preset = {
  name: "mcp",
  target: "a server of the Model Context Protocol over HTTP",
  access: "what its clients send, at the URI alone",
  options: [],
  limits: { methods: ["GET", "POST", "DELETE"] },
  only: {
    form: "a tool's name",
    isRequired: false,
    limits(values) {
      if (values.length === 0) return {};
      if (!values.every((value) => /^\P{C}{1,256}$/u.test(value))) return undefined;
      return {
        methods: ["POST"],
        headers: { "mcp-method": METHODS, "mcp-name": values, "mcp-protocol-version": [VERSION] },
      };
    },
    note: `It holds as far as the server checks that headers equal the body, and for clients of version ${VERSION} alone.`,
  },
  clients: ({ authority, token }) => [
    {
      place: "In the client's list of servers (mcp.json, .mcp.json and the like)",
      lines: JSON.stringify(
        {
          mcpServers: {
            membrane: {
              type: "http",
              url: `https://${authority}/`,
              headers: { Authorization: `Bearer ${token}` },
            },
          },
        },
        null,
        2,
      ).split("\n"),
    },
  ],
  caVariables: ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"],
};
