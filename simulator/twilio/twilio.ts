import type { Inbox, WaitOptions } from "../kit/inbox.ts";
import type { RecordedRequest } from "../kit/request_log.ts";
import type { Simulator } from "../kit/simulator.ts";
import type { TwilioFaults } from "./fault_presets.ts";
import type { HookCall } from "./hook_caller.ts";
import type { CustomerReply, CustomerWrites, TextHandedIn } from "./inbound.ts";
import type { MediaShelf } from "./media_shelf.ts";
import type { TwilioMessage } from "./message.ts";
import type { OptOutBook } from "./opt_out_book.ts";
import type { TwilioSettings } from "./settings.ts";
import type { Walks } from "./walker.ts";

/** A running Twilio. */
export interface Twilio extends Simulator {
  readonly accountSid: string;
  readonly authToken: string;
  /** The messages that were taken, oldest first. */
  readonly messages: readonly TwilioMessage[];
  /** The nth message that was taken, counted from 1; rejects when it does not come in time. */
  received(n: number, options?: WaitOptions): Promise<TwilioMessage>;
  /** A customer writes: hands the text in at `inboundUrl`, signed, with Twilio's rule for repeating, and tells what came of it. */
  textIn(text: CustomerWrites): Promise<TextHandedIn>;
  /** What customers wrote. */
  readonly texts: Inbox<TwilioMessage>;
  /** What customers got that nobody had created by the API: TwiML, Twilio's own confirmations, stray plain text. */
  readonly replies: Inbox<CustomerReply>;
  /** The requests to webhooks, in the order in which they ended. */
  readonly hooks: Inbox<HookCall>;
  /** What customers have sent beside words, behind the account's credentials. */
  readonly media: MediaShelf;
  readonly walks: Walks;
  /** Who has texted STOP to whom: a create for such a pair is refused with 21610. */
  readonly optOuts: Omit<OptOutBook, "takeText">;
  configure(changes: Partial<TwilioSettings>): void;
  /** Every request that came, refused and failed ones included. */
  readonly requests: Inbox<RecordedRequest>;
  readonly faults: TwilioFaults;
}
