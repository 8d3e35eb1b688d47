import * as v from "valibot";
import { takeReferenceId } from "./model.ts";
import { propertiesUpdated } from "./notifications.ts";
import { type Call, defineOperation, filledText, type Operation } from "./operation.ts";
import { done, type Outcome } from "./outcome.ts";

type UserData = Readonly<Record<string, unknown>>;

function setUserData({ centre, session, seat: { agentId } }: Call, userData: UserData): Outcome {
  session.userData = userData;
  const referenceId = takeReferenceId(centre);
  return done(propertiesUpdated(centre, session, { agentId, referenceId }));
}

/** Attach and Update: on SMS sessions the documentation tells no difference. */
const mergeUserData = defineOperation({
  states: ["Chatting"],
  parameters: v.object({ userData: v.record(v.string(), v.unknown()) }),
  perform: (call, { userData }) => setUserData(call, { ...call.session.userData, ...userData }),
});

const deleteUserData = defineOperation({
  states: ["Chatting"],
  parameters: v.object({ keys: v.array(v.string()) }),
  perform(call, { keys }) {
    const gone = new Set(keys);
    const kept = Object.entries(call.session.userData).filter(([key]) => !gone.has(key));
    return setUserData(call, Object.fromEntries(kept));
  },
});

const setDisposition = defineOperation({
  states: ["Chatting"],
  parameters: v.object({ disposition: filledText, dispositionKey: v.optional(filledText) }),
  perform(call, { disposition, dispositionKey = call.centre.dispositionKey }) {
    return setUserData(call, { ...call.session.userData, [dispositionKey]: disposition });
  },
});

/** Everything that changes a session's data, by operation name. */
export const userDataOperations: Readonly<Record<string, Operation>> = {
  AttachUserData: mergeUserData,
  UpdateUserData: mergeUserData,
  DeleteUserData: deleteUserData,
  SetDisposition: setDisposition,
};
