/** The one stylesheet of all pages: from 320 px on, light and dark, no outside font or picture. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fbfaf7;--card:#fff;--ink:#1d1c1a;--dim:#66625b;--line:#e3dfd6;--accent:#5b4bb3;
--shade:#0002;--good:#146c43;--good-ground:#dff3e7;--fair:#7a5200;--fair-ground:#fcefcf;--bad:#a3261b;--bad-ground:#fde4e1}
@media (prefers-color-scheme:dark){:root{--ground:#161513;--card:#201f1c;--ink:#ece8e1;--dim:#a39d93;--line:#393631;
--accent:#b3a6ff;--shade:#0009;--good:#7fd8a6;--good-ground:#17352a;--fair:#f0c669;--fair-ground:#3a2f14;--bad:#ff9d92;--bad-ground:#43201d}}
.client{--accent:#1d62b5}.proxy{--accent:#7245b3}.worker{--accent:#0c716c}
@media (prefers-color-scheme:dark){.client{--accent:#82b7f5}.proxy{--accent:#c6a4f7}.worker{--accent:#62cdc5}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif;border-top:4px solid var(--accent)}
header,main{max-width:76rem;margin:auto;padding:1rem 1.25rem}
header{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .75rem;padding-bottom:0}
h1{font-size:1.35rem;line-height:1.2;margin:0}h1 b{color:var(--accent)}h1 small{font-size:.9rem;font-weight:400;color:var(--dim)}
h2{font-size:1.05rem;margin:0 0 .5rem}section{margin-top:1.75rem}
.badge{display:inline-block;padding:.1rem .6rem;border-radius:1rem;font-size:.85rem;font-weight:600;overflow-wrap:anywhere}
.good{color:var(--good);background:var(--good-ground)}.fair{color:var(--fair);background:var(--fair-ground)}
.bad{color:var(--bad);background:var(--bad-ground)}
dl,dd,p{margin:0}dt,.note,.none{color:var(--dim)}.note{font-size:.9rem;margin-bottom:.5rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem}
.tiles div{display:flex;flex-direction:column-reverse;justify-content:flex-end;padding:.6rem .8rem}
.tiles div,.facts,.scroll{background:var(--card);border:1px solid var(--line);border-radius:.5rem}
.tiles dd{font-size:1.35rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tiles dt{font-size:.9rem}
.facts{padding:.25rem .8rem}
.facts div{display:grid;grid-template-columns:14rem 1fr;gap:1rem;padding:.35rem 0}
.facts div+div{border-top:1px solid var(--line)}.facts dd{overflow-wrap:anywhere;min-width:0}
.facts+.scroll{margin-top:.75rem}
.scroll{overflow-x:auto;background:linear-gradient(to left,var(--card) 40%,transparent) right/3rem 100% no-repeat local,
linear-gradient(to left,var(--shade),transparent) right/1rem 100% no-repeat,var(--card)}
table{border-collapse:separate;border-spacing:0;width:100%}
th,td{padding:.4rem .8rem;text-align:left;vertical-align:top}
th{font-weight:500;color:var(--dim)}thead th{white-space:nowrap;border-bottom:1px solid var(--line)}
tbody tr+tr>*{border-top:1px solid var(--line)}
td,td .badge{white-space:nowrap}
.number{text-align:right;font-variant-numeric:tabular-nums}.text{white-space:normal;overflow-wrap:anywhere;min-width:12rem}
.grid tbody th{position:sticky;left:0;background:var(--card);white-space:nowrap}
code{font:13px/1.5 ui-monospace,monospace}.facts code{word-break:break-all}
@media (max-width:46rem){
header,main{padding-left:.8rem;padding-right:.8rem}
.tiles{grid-template-columns:repeat(2,1fr);gap:.5rem}.tiles div:last-child:nth-child(odd){grid-column:span 2}
.facts div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
.grid th,.grid td{padding:.35rem .6rem}
.records,.records tbody,.records tr,.records td{display:block}
.records thead{display:none}
.records tr{padding:.5rem .8rem}.records tr+tr{border-top:1px solid var(--line)}
.records tbody tr+tr>*{border-top:0}
.records td{display:flex;justify-content:space-between;gap:1rem;padding:.15rem 0;text-align:right;white-space:normal;overflow-wrap:anywhere;min-width:0}
.records td>*{min-width:0}
.records td::before{content:attr(data-name);color:var(--dim);text-align:left;font-weight:400;flex:none;max-width:50%}
.records td:empty{display:none}
.records td:first-child{font-weight:600}
}`;
