"Read the rendered pages in Chromium: `python .ci/pages.py docs`; with `--shots FOLDER` it takes pictures of some."
import functools, http.server, sys, tempfile, threading
from contextlib import ExitStack
from pathlib import Path
from browser import chromium, complaints, fetched
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

ready = '''const done = arguments[0]; const pictures = [...document.images]; pictures.forEach(p => p.loading = "eager");
Promise.all([document.fonts.ready, ...pictures.map(p => p.decode().catch(() => 0))]).then(() => setTimeout(done, 50));'''
inside = '''return {
  pictures: [...document.images].filter(p => !p.naturalWidth).map(p => p.getAttribute("src").slice(0, 80)),
  maths: [...document.querySelectorAll("main .math")].filter(m => !m.querySelector(".katex") || m.querySelector(".katex-error")).map(m => m.textContent.slice(0, 60))};'''
wide = '''const w = document.documentElement; if (w.scrollWidth <= w.clientWidth) return [];
return ["page " + w.scrollWidth + " px wide", ...[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > w.clientWidth + 1 && ![...ancestors(e)].some(a => /auto|scroll|hidden|clip/.test(getComputedStyle(a).overflowX))).slice(0, 3).map(e => e.tagName + "." + e.className)];
function* ancestors(e) { for (e = e.parentElement; e && e !== document.body; e = e.parentElement) if (e.id !== "quarto-content") yield e; }'''
# Code of at most 100 columns, what was printed, and equations do not scroll
scrolls = '''return [...document.querySelectorAll("main pre, main .math.display")].filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && (e.tagName != "PRE" || e.textContent.split("\\n").every(l => l.length <= 100))).slice(0, 5).map(e => e.textContent.trim().slice(0, 50));'''
# WCAG 2: contrast of every visible text with what lies behind it, 4.5 at least, 3 for large text
faint = '''const rgba = c => { const canvas = rgba.c ??= Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d", {willReadFrequently: true}); return rgba[c] ??= (canvas.clearRect(0, 0, 1, 1), canvas.fillStyle = c, canvas.fillRect(0, 0, 1, 1), [...canvas.getImageData(0, 0, 1, 1).data].map((v, i) => i < 3 ? v : v/255)); };
const over = (a, b) => [0, 1, 2].map(i => a[i]*a[3] + b[i]*(1 - a[3])).concat(1);
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v/12.92 : ((v + .055)/1.055)**2.4); return .2126*r + .7152*g + .0722*b; };
const bad = {}, walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; n = walk.nextNode();) {
  const e = n.parentElement, style = getComputedStyle(e);
  if (!n.data.trim() || e.closest("script, style, svg, .katex-mathml, .dropdown-menu") || !e.checkVisibility({visibilityProperty: true}) || !+style.fontSize.slice(0, -2)) continue;
  let behind = [], shown = 1;
  for (let a = e; a; a = a.parentElement) { const s = getComputedStyle(a); shown *= +s.opacity; const c = rgba(s.backgroundColor); if (c[3]) behind.push(c); if (c[3] == 1) break; }
  if (shown < .05) continue;
  const back = behind.reverse().reduce((b, c) => over(c, b), [255, 255, 255, 1]), text = rgba(style.color), ink = over([...text.slice(0, 3), text[3]*shown], back);
  const [x, y] = [light(ink), light(back)].sort((p, q) => q - p), ratio = (x + .05)/(y + .05), size = parseFloat(style.fontSize);
  if (ratio < (size >= 24 || size >= 18.6 && style.fontWeight >= 700 ? 3 : 4.5)) bad[e.tagName + "." + e.className + " " + style.color] ??= ratio.toFixed(1) + " " + n.data.trim().slice(0, 30);
}
return Object.entries(bad).slice(0, 6).map(p => p.join(": "));'''

class Browser:
    "Chromium on one folder, served at one address"
    def __init__(self, folder):
        quiet = type('Quiet', (http.server.SimpleHTTPRequestHandler,), dict(log_message=lambda *a: None))
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(quiet, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start(); self.home = f'http://127.0.0.1:{self.server.server_port}/'
        self.open = ExitStack(); self.open.callback(self.server.shutdown); self.driver = self.open.enter_context(chromium()); self.driver.set_script_timeout(60)
    def __enter__(self): return self
    def __exit__(self, *a): self.open.close()
    def look(self, width=1280, height=900, dark=False):
        "Size of the window, light or dark"
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 500))
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name='prefers-color-scheme', value='dark' if dark else 'light')]))
    def go(self, page):
        "Open a page and wait for its pictures and letters"
        fetched(self.driver), complaints(self.driver); self.driver.get(self.home + page if '://' not in page else page); self.driver.execute_async_script(ready)
    def asked(self):
        "Addresses the page asked for since it was opened, outside its own"
        return sorted({u for u in fetched(self.driver) if not u.startswith((self.home, 'blob:', 'about:', 'chrome:'))})
    def said(self): return [m for m in complaints(self.driver) if 'favicon.ico' not in m]

def problems(b, page):
    "What is wrong with one page, by kind"
    b.look(); b.go(page); run = b.driver.execute_script; bad = run(inside)
    bad['third party'], bad['console'], bad['faint in light mode'] = b.asked(), b.said(), run(faint)
    b.look(dark=True); b.go(page); bad['dark mode is not dark'] = [] if run('return document.documentElement.classList.contains("quarto-dark")') else [page]
    bad['faint in dark mode'] = run(faint)
    for width in (1100, 400): b.look(width); b.go(page); bad[f'scrolls at {width} pixels'] = run(scrolls)
    b.look(360, 740); run('document.documentElement.offsetWidth'); bad['wider than a phone'] = run(wide)
    return {k: v for k, v in bad.items() if v}

def find(b, word):
    "Type a word into the search field, follow the first answer"
    d = b.driver; field = d.find_element(By.CSS_SELECTOR, '#quarto-search input'); field.send_keys(word)
    first = WebDriverWait(d, 10).until(lambda d: d.find_elements(By.CSS_SELECTOR, '.search-result'))[0]
    said = first.text; field.send_keys(Keys.ENTER); WebDriverWait(d, 10).until(lambda d: d.find_elements(By.TAG_NAME, 'h1'))
    return said

def search_and_switch(b, folder):
    "Search answers over http and from the folder itself; the switch makes pages dark, and the next page remembers"
    b.look()
    for start in (b.home, folder.resolve().as_uri() + '/'):
        b.go(start + 'index.html'); said = find(b, 'key-locking'); assert 'lock' in said.lower(), said
        assert '04_keylock' in b.driver.current_url, b.driver.current_url
    b.go('index.html'); dark = 'return document.documentElement.classList.contains("quarto-dark")'
    assert not b.driver.execute_script(dark); b.driver.find_element(By.CSS_SELECTOR, '.quarto-color-scheme-toggle').click()
    WebDriverWait(b.driver, 10).until(lambda d: d.execute_script(dark)); b.go('01_rome.html'); assert b.driver.execute_script(dark)
    b.driver.execute_script('localStorage.clear()')

wrong = '''<!doctype html><html><meta name="viewport" content="width=device-width"><body><main style="width: 500px"><p style="color: #bbb">faint</p><span class="math">\\(x\\)</span><img src="none.png">
<pre style="width: 99px; overflow: auto">a line that is wider than its box</pre><script src="http://127.0.0.1:9/a.js"></script><script>throw Error("no")</script></main></body></html>'''

if __name__ == '__main__':
    folder = Path(sys.argv[1]); names = sorted(str(p.relative_to(folder)) for p in folder.rglob('*.html'))
    if '--shots' in sys.argv:
        out = Path(sys.argv[sys.argv.index('--shots')+1]); out.mkdir(parents=True, exist_ok=True)
        with Browser(folder) as b:
            for page in ('index', '01_rome', '10_attention', '13_sample'):
                for kind, how in dict(desktop=dict(), phone=dict(width=360, height=740), dark=dict(dark=True)).items(): b.look(**how); b.go(f'{page}.html'); b.driver.save_screenshot(str(out/f'{page}_{kind}.png'))
        sys.exit()
    with tempfile.TemporaryDirectory() as d: # a page on which every check must speak
        (Path(d)/'wrong.html').write_text(wrong)
        with Browser(d) as b: found = set(problems(b, 'wrong.html'))
        assert found == {'pictures', 'maths', 'third party', 'console', 'faint in light mode', 'faint in dark mode', 'dark mode is not dark', 'wider than a phone', 'scrolls at 1100 pixels', 'scrolls at 400 pixels'}, found
    with Browser(folder) as b:
        bad = {n: p for n in names if (p := problems(b, n))}
        search_and_switch(b, folder)
    if bad: sys.exit('\n'.join(f'{n}: {k}: {v}' for n, p in bad.items() for k, v in p.items()))
    print(f'{len(names)} pages read')
