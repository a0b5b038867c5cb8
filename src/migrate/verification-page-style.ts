/** How the page of a verification looks: light or dark as the reader's system is, from a telephone's width on, and on paper. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #16202a; --dim: #556270; --line: #d4dae0; --ground: #f5f7f9; --card: #fff; --good: #11703c; --bad: #b3261e; --badground: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --dim: #a3b0bc; --line: #36414c; --ground: #12171c; --card: #1b2229; --good: #62d08f; --bad: #ff8a80; --badground: #3a1d1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 1.25rem; }
header { border-bottom: 4px solid var(--good); } header.bad { border-color: var(--bad); }
header.good h1 { color: var(--good); } header.bad h1 { color: var(--bad); }
.kind { margin: 0; color: var(--dim); } h1 { margin: .2rem 0 .5rem; font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; }
code, .value { font: .88em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; } .value { white-space: pre-wrap; } code { color: var(--dim); }
.totals { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .75rem; margin: 0; }
.totals div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
dt { color: var(--dim); } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; } small { display: block; font-size: .8rem; line-height: 1.35; color: var(--dim); }
.note { border-left: 4px solid var(--bad); padding: .2rem .8rem; margin: .9rem 0 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--dim); font-weight: 600; white-space: nowrap; } td { overflow-wrap: anywhere; min-width: 5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td.bad, tr.bad td { color: var(--bad); } tr.bad { background: var(--badground); }
tr.bad code { color: inherit; } #runs td code { display: block; white-space: nowrap; } #runs td:nth-child(-n+2) { min-width: 15rem; max-width: 24rem; }
.filter { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: center; margin-bottom: .7rem; } .filter[hidden] { display: none; }
.filter input[type=search], button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--dim); border-radius: 6px; padding: .3rem .6rem; }
button:disabled { opacity: .45; } .pages { display: flex; gap: .5rem; } output { color: var(--dim); }
:focus-visible { outline: 3px solid #4c8dff; outline-offset: 1px; }
@media (max-width: 46rem) {
  .cards thead { display: none; } .cards, .cards tbody, .cards tr, .cards td { display: block; }
  .cards tr { border-top: 1px solid var(--line); padding: .5rem 0; } .cards tr:first-child { border-top: 0; } .cards td { border: 0; padding: .15rem .8rem; text-align: left; }
  .cards td::before { content: attr(data-label); display: block; color: var(--dim); font-size: .78rem; } .cards td:empty { display: none; }
}
@media print { body { background: #fff; } .filter { display: none; } .scroll { overflow: visible; } }
`;
