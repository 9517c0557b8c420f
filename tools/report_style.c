/* report_style.c - the look of a report: one column of a page, light or dark as the reader's system is, light on paper. */
#include "tools/html.h"

const char *const sv_report_style[] = {
    ":root{color-scheme:light dark;--bg:#fff;--card:#f6f8fa;--ink:#1c2430;--soft:#5a6676;--rule:#d9dfe6;--grid:#e8ecf0;--curve:#1f5fbf;--hot:#c3261f;"
    "--was:#7d8896;--band:#f3c14b;--line:#7a4a00;--n1:#c05a00;--n2:#1a7f4b;--n3:#7a3fc0;--n4:#b3267a;--n5:#0c7483}\n",
    "@media screen and (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#181f27;--ink:#e4e9ef;--soft:#9aa7b5;--rule:#2c3641;--grid:#222b35;--curve:#6aa6ff;--hot:#ff6b5e;"
    "--was:#8b97a5;--band:#b98a1c;--line:#e0ad5c;--n1:#f29a4b;--n2:#56c98a;--n3:#b892f5;--n4:#f27ab8;--n5:#4fc3d1}}\n",
    "*{box-sizing:border-box}html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}\n",
    "@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}\n",
    "body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif}\n",
    "header,main,footer,nav{max-width:70rem;margin:0 auto;padding:0 1.25rem}\n",
    "a{color:var(--curve);text-underline-offset:.15em}a:focus-visible,summary:focus-visible,.wide:focus-visible{outline:3px solid var(--curve);outline-offset:2px;border-radius:2px}\n",
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;z-index:2;background:var(--bg);padding:.5rem 1rem}\n",
    "header{padding-top:2.2rem}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em;overflow-wrap:anywhere}header p{margin:0;color:var(--soft);overflow-wrap:anywhere}\n",
    "nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:1rem 0 0;padding:0 0 .8rem;border-bottom:1px solid var(--rule)}\n",
    "section{margin:2.4rem 0}h2{font-size:1.3rem;line-height:1.3;margin:0 0 .6rem}h3{font-size:1rem;line-height:1.35;margin:0;overflow-wrap:anywhere}\n",
    "small{font-size:.85rem;font-weight:400;color:var(--soft)}p{margin:.4rem 0 .9rem;max-width:44rem}\n",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:1.4rem 0 0}\n",
    ".tiles div{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:.7rem .9rem}.tiles dt{font-size:.85rem;color:var(--soft)}\n",
    ".tiles dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}.tiles dd small{display:block;line-height:1.3}\n",
    ".cards{list-style:none;margin:1rem 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr));gap:1.1rem}\n",
    ".cards li{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;overflow:hidden;break-inside:avoid;scroll-margin-top:1rem}.cards li:target{outline:3px solid var(--curve)}\n",
    ".cards h3,.cards dl{padding:0 .8rem}.cards h3{padding-top:.7rem}.cards h3 small{white-space:nowrap}.cards dl{margin:.4rem 0 .9rem;font-size:.88rem;line-height:1.4}\n",
    ".cards dt{color:var(--soft);margin-top:.35rem}.cards dd{margin:0}b.o{color:var(--hot)}\n",
    ".shot{position:relative;overflow:hidden;background:#606060;aspect-ratio:4/3}.shot img{display:block;width:100%;height:100%}\n",
    ".shot span{position:absolute;border:2px solid #ffd400;box-shadow:0 0 0 1px #000,inset 0 0 0 1px #000;border-radius:1px}\n",
    ".key{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:0 0 1.1rem;padding:0;font-size:.88rem;color:var(--soft)}\n",
    ".k{display:inline-block;vertical-align:middle;width:1.6rem;height:0;border-top:3px solid var(--curve);margin:0 .45rem 0 0}figcaption .k{margin-left:.2rem}figcaption .nb{margin-right:.9rem}\n",
    ".k.o{border-color:var(--hot)}.k.b{border-top:3px dashed var(--was)}.k.l{border-top:2px dashed var(--line)}.k.t{height:.9rem;border:0;border-top:3px solid var(--band);background:color-mix(in srgb,var(--band) 28%,transparent)}\n",
    ".k.p,.pin{font:600 .7rem/1.15rem system-ui,sans-serif;font-style:normal;text-align:center;width:1.15rem;height:1.15rem;border:0;border-radius:50%;background:var(--ink);color:var(--bg);text-decoration:none}\n",
    ".k.p{margin:0 .35rem 0 0}.pin{position:absolute;transform:translate(-50%,-135%)}.pin::before{content:'';position:absolute;inset:-.35rem}.pin:hover{background:var(--curve)}\n",
    ".clip{margin:0;padding:0 0 .5rem;break-inside:avoid;scroll-margin-top:1rem}.clip:target h3{color:var(--curve)}\n",
    ".plot{position:relative;height:8.5rem;margin:1rem .4rem 2rem 3.3rem}.plot>svg{position:absolute;left:0;top:0;width:100%;height:100%;overflow:visible}.none{position:absolute}\n",
    ".y span,.x span{position:absolute;font-size:.75rem;line-height:1;color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}\n",
    ".y span{right:100%;padding-right:.5rem;transform:translateY(-50%)}.x span{top:100%;padding-top:.45rem;transform:translateX(-50%)}\n",
    "svg path,svg use{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}.g{stroke:var(--grid);stroke-width:1px}.c{fill:none;stroke:var(--curve);stroke-width:1.6px}.c.o{stroke:var(--hot)}\n",
    ".c.b{stroke:var(--was);stroke-width:1.4px;stroke-dasharray:4 3}.l{stroke:var(--line);stroke-width:1.2px;stroke-dasharray:7 4}.l.n{stroke:var(--rule)}svg .t{fill:var(--band);fill-opacity:.26;stroke:none}\n",
    ".n1{stroke:var(--n1);border-color:var(--n1)}.n2{stroke:var(--n2);border-color:var(--n2)}.n3{stroke:var(--n3);border-color:var(--n3)}.n4{stroke:var(--n4);border-color:var(--n4)}.n5{stroke:var(--n5);border-color:var(--n5)}\n",
    ".c.d{stroke-dasharray:3 3}.k.d{border-top-style:dashed}details{margin:0 0 1rem}summary{cursor:pointer;color:var(--curve)}\n",
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1.4rem 2.2rem;align-items:start}figure{margin:0;break-inside:avoid}figcaption{font-size:.85rem;color:var(--soft)}\n",
    ".two figure{padding-bottom:.1rem}.two .plot{height:12rem}.roc .plot{height:auto;aspect-ratio:1;max-width:24rem}\n",
    ".wide{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;min-width:24rem}\n",
    "caption{text-align:left;color:var(--soft);font-size:.88rem;padding:0 0 .4rem}th,td{text-align:right;padding:.32rem .8rem .32rem 0;border-bottom:1px solid var(--rule);white-space:nowrap}\n",
    "th:first-child,td:first-child,.text{text-align:left}th[scope=row]{font-weight:500}th small{white-space:normal}.nb{white-space:nowrap}thead th{font-weight:600;border-bottom:2px solid var(--rule)}tbody tr:hover{background:var(--card)}\n",
    ".facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.4rem;font-size:.9rem;margin:0}.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}code{font:.86rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}\n",
    "footer{border-top:1px solid var(--rule);padding-top:1rem;padding-bottom:2.5rem;margin-top:3rem;color:var(--soft);font-size:.85rem}\n",
    "@media (max-width:40rem){header{padding-top:1.3rem}h1{font-size:1.5rem}.w{display:none}.plot{height:7.5rem;margin-left:2.9rem}.cards{grid-template-columns:1fr 1fr;gap:.7rem}.cards h3,.cards dl{padding-left:.55rem;padding-right:.55rem}"
    ".tiles{grid-template-columns:1fr 1fr}.facts{grid-template-columns:1fr}.facts dd{margin-bottom:.5rem}section{margin:2rem 0}}\n",
    "@media (max-width:25rem){.cards{grid-template-columns:1fr}}\n",
    "@media print{body{font-size:10.5pt}nav,.skip{display:none}a{color:inherit;text-decoration:none}.tiles div,.cards li{background:none}.cards{grid-template-columns:repeat(3,1fr)}section{margin:1.4rem 0}h2,h3{break-after:avoid}"
    ".plot{height:6rem}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}details{display:none}}\n",
    NULL
};
