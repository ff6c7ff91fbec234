/**
 * Answers together what is asked for in one turn of the event loop. Under load many requests are read in one turn, and what
 * costs most of a short question is its round trip. Nobody waits for what was asked in an earlier turn.
 *
 * @param answerAll gives the answers in the order of the questions; when it fails, all of its askers are told.
 */
export function gather<Question, Answer>(
  answerAll: (questions: Question[]) => Promise<readonly Answer[]>,
): (question: Question) => Promise<Answer> {
  let asked: { question: Question; answer: PromiseWithResolvers<Answer> }[] = [];
  const ask = async () => {
    const all = asked;
    asked = [];
    try {
      const answers = await answerAll(all.map(({ question }) => question));
      // Of the same length: the answers to questions of its own.
      for (const [index, { answer }] of all.entries()) answer.resolve(answers[index] as Answer);
    } catch (error) {
      for (const { answer } of all) answer.reject(error);
    }
  };
  return (question) => {
    const answer = Promise.withResolvers<Answer>();
    if (asked.push({ question, answer }) === 1) setImmediate(ask);
    return answer.promise;
  };
}
