// What changes the page's address is told one after the other: an action that goes out before the
// server has answered the last would say the address that the last one left, and may end the run
// that was to hear of it.

const MOVES = ["step", "pick", "close", "forget"];
const ANSWERED = 1000; // Milliseconds after which one that changed no address counts as answered.
const turns = (window.xraycoreTurns ??= { waiting: [], search: null, since: 0 });

function inTurn(name, act) {
  turns.waiting.push([name, act]);
  if (turns.waiting.length === 1) nextTurn();
}

function nextTurn() {
  const answered = location.search !== turns.search || Date.now() - turns.since > ANSWERED;
  const [name, act] = answered ? turns.waiting.shift() : [];
  if (answered) turns.search = null;
  if (MOVES.includes(name)) Object.assign(turns, { search: location.search, since: Date.now() });
  if (turns.waiting.length) setTimeout(nextTurn, 15);
  act?.();
}
