/** An answer to what is asked of a stand-in: none, for as long as somebody waits for it. */
export async function neverAnswers({ over }: { readonly over: Promise<void> }): Promise<Response> {
  await over;
  return new Response(null, { status: 500 });
}
