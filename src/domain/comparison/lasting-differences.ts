import type { AnswerDifference } from "./compare-answers.js";

/**
 * Those of the differences that are still there when both are asked again. An update reaches two services at two times, and usage
 * that goes on is seen by one before it is by the other: that is no difference of what they would answer.
 */
export function lastingDifferences(
  first: readonly AnswerDifference[],
  again: readonly AnswerDifference[],
): readonly AnswerDifference[] {
  const before = new Map(first.map((difference) => [keyOf(difference), difference]));
  return again.filter((difference) => {
    const known = before.get(keyOf(difference));
    return known !== undefined && !isFollowing(known, difference);
  });
}

function keyOf({ class: is, item, field }: AnswerDifference): string {
  return JSON.stringify([is, item, field]);
}

/** Whether one of them has come meanwhile to where the other was, or beyond. */
function isFollowing(first: AnswerDifference, again: AnswerDifference): boolean {
  if (first.class !== "usage") return false;
  return (
    hasReached(first.candidate, again.candidate, first.incumbent) ||
    hasReached(first.incumbent, again.incumbent, first.candidate)
  );
}

function hasReached(
  from: AnswerDifference["candidate"],
  to: AnswerDifference["candidate"],
  aim: AnswerDifference["candidate"],
): boolean {
  if (typeof from !== "number" || typeof to !== "number" || typeof aim !== "number") return false;
  return from < aim ? to >= aim : to <= aim;
}
