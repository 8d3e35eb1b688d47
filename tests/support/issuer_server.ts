import type { JSONWebKeySet } from "jose";
import { type JwksHandler, type JwksServer, startJwksServer } from "./jwks_server.ts";

/** A pretended issuer on loopback that tells where its keys are. */
export interface IssuerServer extends AsyncDisposable {
  /** Its identifier, which is the address of this server and `path`. */
  readonly issuer: string;
  /** The paths that were asked for, in order. */
  readonly asked: readonly string[];
  readonly server: JwksServer;
  /** Publishes these keys, at `/keys`, from now on. */
  publish(jwks: JSONWebKeySet): void;
  /** Answers one path from now on by `handler`. */
  answerAt(path: string, handler: JwksHandler): void;
  /** Answers its metadata, at Discovery's address, with members added or replaced from now on. */
  tell(changes: Readonly<Record<string, unknown>>): void;
}

export function startIssuerServer(path = ""): IssuerServer {
  const server = startJwksServer();
  const { origin } = server.url;
  const issuer = `${origin}${path}`;
  const asked: string[] = [];
  const handlers = new Map<string, JwksHandler>();
  const metadataPath = `${path.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const metadata = { issuer, jwks_uri: `${origin}/keys` };
  handlers.set(metadataPath, () => Response.json(metadata));
  server.answer((request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return handlers.get(pathname)?.(request) ?? new Response(null, { status: 404 });
  });
  return {
    issuer,
    asked,
    server,
    publish: (jwks) => handlers.set("/keys", () => Response.json(jwks)),
    answerAt: (at, handler) => handlers.set(at, handler),
    tell: (changes) => handlers.set(metadataPath, () => Response.json({ ...metadata, ...changes })),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
