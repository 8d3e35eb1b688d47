/**
 * Names and addresses of a network that there is not, for a Patchbay that runs as `patchbay_with_names.ts`: what a test says
 * names stand for, and which ports of loopback their addresses lead to.
 */
export interface NamesServer extends AsyncDisposable {
  readonly url: string;
  /** What a name stands for; one that is not there does not exist. */
  readonly names: Map<string, readonly string[]>;
  /** A port of 127.0.0.1 for an address and port (`192.0.2.1 443`). Loopback addresses lead to themselves. */
  readonly routes: Map<string, number>;
  /** The addresses and ports that were dialled. */
  readonly dialled: readonly string[];
}

export function startNames(): NamesServer {
  const names = new Map<string, readonly string[]>();
  const routes = new Map<string, number>();
  const dialled: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { searchParams } = new URL(request.url);
    const place = searchParams.get("dial");
    if (place === null) return Response.json(names.get(searchParams.get("name") ?? "") ?? null);
    dialled.push(place);
    return Response.json(routes.get(place) ?? null);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    names,
    routes,
    dialled,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
