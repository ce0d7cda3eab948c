/* trace_style.h: what the page of a trace adds to the style of all pages. No double quotes, no backslashes. */
#ifndef FL_TRACE_STYLE_H
#define FL_TRACE_STYLE_H

static const char fl_trace_style[] =
    ".columns.trace { grid-template-columns: 312px minmax(0, 1fr); }\n"
    ".side { position: sticky; top: 20px; }\n"
    ".shot { position: relative; border-radius: 8px; overflow: hidden; background: var(--well); }\n"
    ".shot img { display: block; width: 100%; image-rendering: pixelated; }\n"
    ".spot { position: absolute; min-width: 9px; min-height: 9px; border: 2px solid #fff; outline: 2px solid var(--accent);\n"
    "        transform: translate(-1px, -1px); }\n"
    ".way { list-style: none; margin: 14px 0 0; padding: 0; }\n"
    ".way > li { position: relative; padding: 0 0 16px 34px; }\n"
    ".way > li::before { content: ''; position: absolute; left: 11px; top: 26px; bottom: -6px; width: 2px; background: var(--line); }\n"
    ".way > li:last-child::before { display: none; }\n"
    ".dot { position: absolute; left: 0; top: 16px; width: 24px; height: 24px; border-radius: 50%; text-align: center;\n"
    "       background: var(--ink); color: var(--paper); font: 600 12px/24px var(--sans); }\n"
    ".way .card { padding: 14px 18px 16px; margin: 0; }\n"
    ".who { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }\n"
    ".who .op { font: 600 18px/1.3 var(--serif); color: var(--accent); }\n"
    ".who code { margin-left: auto; font: 12.5px var(--mono); color: var(--soft); }\n"
    ".updown { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 26px; margin-top: 10px; }\n"
    ".updown h3 { margin-top: 0; }\n"
    ".updown p { margin-top: 6px; font-size: 14.5px; }\n"
    ".formula { font-family: var(--mono); font-size: 13px !important; color: var(--soft); }\n"
    ".sum { font-variant-numeric: tabular-nums; }\n"
    ".sum span { white-space: nowrap; }\n"
    ".mine { background: var(--glow); border-radius: 5px; padding: 1px 5px; }\n"
    ".out { color: var(--accent); font-weight: 600; }\n"
    ".flow { height: 6px; margin-top: 9px; border-radius: 3px; background: var(--well); overflow: hidden; }\n"
    ".flow i { display: block; height: 100%; background: var(--accent); }\n"
    ".blocks details.card { margin-top: 12px; } .blocks details.card > .way { padding: 0 18px 4px; margin-top: 0; }\n"
    ".blocks summary { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }\n"
    ".blocks summary::before { content: '+'; font: 600 15px/1 var(--mono); color: var(--accent); width: 10px; }\n"
    ".blocks details[open] > summary::before { content: '-'; }\n"
    ".blocks summary .small { font-family: var(--sans); font-weight: 400; }\n"
    "td.bar { min-width: 90px; } td.bar i { display: block; height: 8px; border-radius: 4px; background: var(--bar); min-width: 1px; }\n"
    "td.name { text-align: left; } th.name { text-align: left; }\n"
    "tr.walked td.name { color: var(--accent); font-weight: 600; }\n"
    "@media (max-width: 940px) { .columns.trace { grid-template-columns: minmax(0, 1fr); } .side { position: static; } }\n"
    "@media (max-width: 720px) { .updown { grid-template-columns: 1fr; } }\n";

#endif
