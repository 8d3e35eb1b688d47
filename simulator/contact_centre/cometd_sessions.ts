import type {
  CometDServer,
  ServerChannel,
  ServerMessage,
  ServerSession,
} from "cometd-nodejs-server";
import type { InboxOwner } from "../kit/inbox.ts";
import type { CometdHappening } from "./cometd_view.ts";

/** A session that has handshaken and is not over. */
export interface LiveSession {
  readonly session: ServerSession;
  readonly agentId: string;
}

/** The sessions of a CometD server with the agents whose they are. */
export interface LiveSessions {
  /** An agent's sessions; of all agents when none is named. */
  of(agentId?: string | null): LiveSession[];
  ownerOf(clientId: unknown): string | undefined;
}

/** Follows a server's sessions and tells what happens to them; `callerOf` knows who sent a handshake. */
export function followSessions(
  server: CometDServer,
  callerOf: (handshake: object) => string | undefined,
  happenings: InboxOwner<CometdHappening>,
): LiveSessions {
  const live = new Map<string, LiveSession & { readonly progress: Progress }>();
  server.addListener("sessionAdded", (session: ServerSession, message: ServerMessage) => {
    const agentId = callerOf(message);
    if (agentId === undefined) return;
    const progress = watch(session, agentId, happenings);
    live.set(session.id, { session, agentId, progress });
  });
  server.addListener("sessionRemoved", (session: ServerSession) => live.delete(session.id));
  server.addListener("subscribed", ({ name: channel }: ServerChannel, session: ServerSession) => {
    live.get(session.id)?.progress.subscribed(channel);
  });
  return {
    of(agentId) {
      const all = [...live.values()];
      return agentId == null ? all : all.filter((each) => each.agentId === agentId);
    },
    ownerOf: (clientId) => live.get(String(clientId))?.agentId,
  };
}

/** What a session does not tell of itself. */
interface Progress {
  subscribed(channel: string): void;
}

function watch(
  session: ServerSession,
  agentId: string,
  happenings: InboxOwner<CometdHappening>,
): Progress {
  const clientId = session.id;
  const missing = new Set(["subscribed", "held"]);
  function tell(kind: CometdHappening["kind"], channel?: string): void {
    happenings.add({ kind, agentId, clientId, ...(channel === undefined ? {} : { channel }) });
    if (missing.delete(kind) && missing.size === 0) tell("listening");
  }
  tell("handshake");
  session.addListener("suspended", () => tell("held"));
  session.addListener("removed", () => tell("gone"));
  return { subscribed: (channel) => tell("subscribed", channel) };
}
