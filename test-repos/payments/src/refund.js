/** Cents that go back to the customer: never more than was paid. */
export function refund(paid, asked) {
  return Math.min(paid, asked)
}
