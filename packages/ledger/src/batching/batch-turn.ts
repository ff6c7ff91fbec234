/**
 * Batches the questions of one turn of the event loop, because under load a short question costs little more than its round
 * trip. At saturation 6,200 requests read their key 1,133 times (decision 0033). A question never waits for one of an earlier
 * turn.
 *
 * @param answerAll returns the answers in the order of the questions; when it throws, every caller of the batch gets the error.
 */
export function batchTurn<Question, Answer>(
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
