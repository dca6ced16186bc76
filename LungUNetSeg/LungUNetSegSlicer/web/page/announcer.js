// Tells screen readers what the page only shows: a scan that is open, lungs that are segmented, a comparison that is there.

const ENDS = { done: "segmented", cancelled: "cancelled" };  // a failure has a message of its own

export class Announcer {
  constructor(place) {
    this.place = place;
    this.before = null;
  }

  hear(state) {
    const before = this.before;
    this.before = state;
    if (!before) return;
    const news = state.scans.flatMap(({ number, name, status }) => {
      const known = before.scans.find((each) => each.number === number);
      if (!known) return [`${name}: open`];
      return known.status !== status && ENDS[status] ? [`${name}: ${ENDS[status]}`] : [];
    });
    if (before.busy.compare && !state.busy.compare && state.comparison) news.push(`Compared with ${state.comparison.reference}`);
    if (news.length) this.place.textContent = news.join(". ");
  }
}
