/**
 * Why one is not signed in. `denied`: the person or the provider refused. `provider`: it does not answer. `issuer`: another provider answered.
 * `clock`: its clock is wrong. `state`: the answer is not to a question of this page. `refused`: the server does not accept the provider's
 * tokens. `server`: the server does not answer. `ended`: the sign-in has expired. `setup`: the page or the provider is set up wrongly.
 */
export type Problem = 'denied' | 'provider' | 'issuer' | 'clock' | 'state' | 'refused' | 'server' | 'ended' | 'setup';

export class SignInError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem, message: string = problem) {
    super(message);
    this.problem = problem;
  }
}

/** The problem of any error. */
export function problemOf(error: unknown): Problem {
  return error instanceof SignInError ? error.problem : 'setup';
}
