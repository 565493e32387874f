"""The explorers of notebook 15 in a real browser, as a reader uses them:
    python .ci/browser.py widgets              moved by mouse and keys; exits with what is wrong
    python .ci/browser.py widgets --optional   the same, but content where there is no Chromium
    python .ci/browser.py widgets --shots DIR  keep screenshots too
"""
import base64, io, json, math, shutil, sys, tempfile
from contextlib import contextmanager
from pathlib import Path

root = Path(__file__).resolve().parent.parent
FLAGS = '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --force-device-scale-factor=1 --hide-scrollbars'

def missing():
    "What a browser test needs and is not here"
    found = {n: any(map(shutil.which, names)) for n, names in dict(chromium=('chromium', 'chromium-browser', 'google-chrome'), chromedriver=('chromedriver',)).items()}
    return [n for n, there in found.items() if not there]

@contextmanager
def chromium(width=1000, height=900):
    "A Chromium with a fresh profile, that keeps logs of console and network"
    from selenium import webdriver
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions(); options.binary_location = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))))
        for flag in [*FLAGS.split(), f'--user-data-dir={profile}', f'--window-size={width},{height}']: options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', dict(browser='ALL', performance='ALL'))
        driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which('chromedriver')))
        driver.get('about:blank'); fetched(driver), complaints(driver) # what Chromium's own first page asked for
        try: yield driver
        finally: driver.quit()

def fetched(driver):
    "Addresses asked for since the last call, those inside the page (data:) left out"
    events = [json.loads(e['message'])['message'] for e in driver.get_log('performance')]
    urls = [e['params']['request']['url'] for e in events if e['method'] == 'Network.requestWillBeSent']
    return [u for u in urls if not u.startswith('data:')]

def complaints(driver):
    "Errors and warnings of the console since the last call"
    return [e['message'] for e in driver.get_log('browser') if e['level'] in ('SEVERE', 'WARNING')]

# Pages

def outputs(notebook=root/'nbs/15_widgets.ipynb'):
    "The explorers that a notebook stores, as HTML"
    cells = json.loads(notebook.read_text())['cells']
    found = [''.join(o['data']['text/html']) for c in cells for o in c.get('outputs', []) if 'text/html' in o.get('data', {})]
    return [f for f in found if '<form class="pf-explore' in f]

def write_page(path, forms, scripts=True):
    "One page with several explorers, as a saved notebook would have them"
    body = '\n<hr>\n'.join(forms)
    if not scripts: body = body.replace('<script>', '<script type="text/off">')
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Explorers</title>'
                    f'<body style="font-family:system-ui,sans-serif;margin:1rem">{body}</body></html>', encoding='utf-8')
    return path.as_uri()

def open_page(driver, url):
    "Open a page, and wait until its explorers have drawn"
    from selenium.webdriver.support.ui import WebDriverWait
    driver.get(url)
    WebDriverWait(driver, 20).until(lambda d: d.execute_script('return document.readyState') == 'complete')
    driver.execute_async_script("const done = arguments[0]; Promise.all([...document.querySelectorAll('form.pf-explore')].flatMap(f => (f.pf?.pictures || []).map(p => p.decode()))).then(() => setTimeout(done, 50))")
    driver.execute_script("document.head.insertAdjacentHTML('beforeend', '<style>* { scroll-behavior: auto !important }</style>')") # A click must not miss what is still scrolling
    return forms_of(driver)

def forms_of(driver): return driver.find_elements('css selector', 'form.pf-explore')

# What is to be seen

def looks(driver):
    "What each explorer shows: its pixels and its words"
    return driver.execute_script("return [...document.querySelectorAll('form.pf-explore')].map(f => [...f.querySelectorAll('canvas')].map(c => c.toDataURL()).join() + f.querySelector('.pf-views').innerText)")

def picture(uri):
    from PIL import Image
    return Image.open(io.BytesIO(base64.b64decode(uri.split(',')[1])))

def places(driver, form): return driver.execute_script('return arguments[0].pf.axes.map(a => +arguments[0].elements[a.name].value)', form)

def wrong_pixels(driver, form):
    "Compare what the canvases show with the cells of the sheet, cut by Pillow"
    import numpy as np
    from PIL import Image
    data = driver.execute_script('return JSON.parse(arguments[0].querySelector(".pf-data").textContent)', form)
    row, col, *rest = places(driver, form); (top, w, h), sheet = data['blocks'][rest[0] if rest else 0], picture(data['sheet']).convert('RGBA')
    for k, canvas in enumerate(form.find_elements('css selector', 'canvas')):
        shown = picture(driver.execute_script('return arguments[0].toDataURL()', canvas)).convert('RGB')
        y = top + (k*data['rows'] + row)*h
        cell = sheet.crop((col*w, y, col*w + w, y + h)).resize(shown.size, Image.BILINEAR)
        want = Image.alpha_composite(picture(data['under'][k]).convert('RGBA'), cell) if data['under'] else cell
        off = np.abs(np.asarray(shown).astype(int) - np.asarray(want.convert('RGB'))).mean()
        if off > (3 if data['under'] else 0): return f'picture {k} is not the cell of the sheet that {places(driver, form)} names (mean difference {off:.1f} of 255)'

def wrong_numbers(driver, form):
    "Compare the gates that are written on the page with the equation"
    data = driver.execute_script('return arguments[0].pf', form); p, b, t = places(driver, form)
    q, rows = data['prompts'][p], [[li.find_element('tag name', 'b').text for li in ul.find_elements('tag name', 'li')] for ul in form.find_elements('tag name', 'ul')]
    for rs, on, row in zip(q['ratio'], q['on'], rows):
        want = [1/(1 + math.exp((data['beta'][b] - r)/data['tau'][t])) if on else 0 for r in rs]
        if len(row) != len(want) or any(abs(float(s) - g) > .0051 for s, g in zip(row, want)): return f'gates {row} are not {want}'

def wrong(driver, form): return (wrong_pixels if 'pf-sheet' in form.get_attribute('class') else wrong_numbers)(driver, form)

# What a reader does

def controls(form):
    "Name → its input elements (several for chips)"
    found = {}
    for el in form.find_elements('css selector', 'input'): found.setdefault(el.get_attribute('name'), []).append(el)
    return found

def by_mouse(driver, els):
    "Click another place of a slider, or another chip"
    from selenium.webdriver import ActionChains
    el = els[0]
    driver.execute_script('arguments[0].scrollIntoView({block: "center", behavior: "instant"})', el)
    if el.get_attribute('type') == 'range':
        here, most, width = int(el.get_property('value')), int(el.get_attribute('max')), el.size['width']
        ActionChains(driver).move_to_element_with_offset(el, int(width*(.3 if here < most/2 else -.3)), 0).click().perform()
    else:
        other = next(e for e in els if not e.is_selected())
        ActionChains(driver).move_to_element(other.find_element('xpath', '..')).click().perform()

def by_key(els, back=False):
    "Press an arrow key"
    from selenium.webdriver.common.keys import Keys
    el = next((e for e in els if e.is_selected()), els[0])
    el.send_keys(Keys.ARROW_LEFT if back else Keys.ARROW_RIGHT)

def try_control(driver, k, name):
    "Move one control of the k-th explorer by mouse and by keys; what is wrong, in words"
    els = lambda: controls(forms_of(driver)[k])[name]
    if len(els()) == 1 and els()[0].get_attribute('type') == 'radio': return []
    bad, before = [], looks(driver)
    by_mouse(driver, els()); moved = looks(driver)
    if moved[k] == before[k]: bad.append('nothing changes by mouse')
    if wrong(driver, forms_of(driver)[k]): bad.append(f'after the mouse {wrong(driver, forms_of(driver)[k])}')
    at = places(driver, forms_of(driver)[k])
    name_at = [n for n in controls(forms_of(driver)[k])].index(name); low = at[name_at] == 0
    by_key(els(), back=not low); there = looks(driver); by_key(els(), back=low)
    if there[k] == moved[k]: bad.append('nothing changes by key')
    if places(driver, forms_of(driver)[k]) != at or looks(driver)[k] != moved[k]: bad.append('an arrow and the arrow back end elsewhere')
    if [s for j, s in enumerate(looks(driver)) if j != k] != [s for j, s in enumerate(before) if j != k]: bad.append('another explorer moved too')
    slider = els()[0]
    if slider.get_attribute('type') == 'range':
        said = forms_of(driver)[k].find_elements('css selector', 'output')
        if slider.get_attribute('aria-valuetext') not in [o.text for o in said]: bad.append(f'it says {slider.get_attribute("aria-valuetext")!r}, which stands nowhere')
    if slider.aria_role not in ('slider', 'radio') or not slider.accessible_name: bad.append('it has no role or name for who cannot see it')
    return [f'explorer {k}, {name}: {b}' for b in bad]

def try_all(driver):
    "Every control of every explorer on the page"
    names = [(k, n) for k, f in enumerate(forms_of(driver)) for n in controls(f)]
    return [b for k, n in names for b in try_control(driver, k, n)]

def try_tab(driver):
    "Tab walks through all controls in order, each shows its focus, and Enter sends nothing away"
    from selenium.webdriver.common.keys import Keys
    want = [(k, n) for k, f in enumerate(forms_of(driver)) for n in controls(f)]; seen, plain = [], []
    driver.execute_script('document.activeElement.blur(); window.scrollTo(0, 0); window.here = 1')
    first = controls(forms_of(driver)[0]); next(iter(first.values()))[0].send_keys('')
    for _ in want:
        el = driver.switch_to.active_element
        k, name, outline = driver.execute_script("const e = arguments[0], l = e.type == 'radio' ? e.nextElementSibling : e; return [[...document.querySelectorAll('form.pf-explore')].indexOf(e.form), e.name, getComputedStyle(l).outlineStyle]", el)
        seen.append((k, name))
        if outline == 'none': plain.append(name)
        el.send_keys(Keys.ENTER); driver.switch_to.active_element.send_keys(Keys.TAB)
    bad = []
    if seen != want: bad.append(f'tab goes {seen}, not {want}')
    if plain: bad.append(f'no focus to be seen on {plain}')
    if not driver.execute_script('return window.here'): bad.append('Enter left the page')
    return bad

def too_wide(driver):
    "Does an explorer stick out of a narrow page?"
    wide = driver.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return [f'on {wide[1]} pixels it is {wide[0]} wide'] if wide[0] > wide[1] else []

def contrast(driver):
    "Text must stand out from the page, light or dark"
    js = """const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => (v /= 255) <= .04045 ? v/12.92 : ((v + .055)/1.055)**2.4); return .2126*r + .7152*g + .0722*b }
    const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(c)) return c } return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(18, 18, 18)' : 'rgb(255, 255, 255)' }
    return [...document.querySelectorAll('.pf-explore span, .pf-explore output, .pf-explore figcaption, .pf-explore li, .pf-explore li b')].filter(e => e.innerText).map(e => {
      const [a, b] = [getComputedStyle(e).color, ground(e)].map(lum); return [e.innerText, (Math.max(a, b) + .05)/(Math.min(a, b) + .05)] }).filter(x => x[1] < 4)"""
    return [f'{text!r} has a contrast of {c:.1f}' for text, c in driver.execute_script(js)]

def shot(driver, folder, name):
    if folder: driver.save_screenshot(str(Path(folder)/f'{name}.png'))

def widgets(shots=None):
    "All that must hold for the explorers; what does not, in words"
    bad, forms, say = [], outputs(), lambda what, more: bad.extend(f'{what}: {m}' for m in more)
    if len({f.split('aria-label="')[1].split('"')[0] for f in forms}) < 3: return [f'nbs/15_widgets.ipynb stores {len(forms)} explorers, but three kinds are wanted: run it']
    if shots: Path(shots).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as d, chromium() as driver:
        d = Path(d); twice = write_page(d/'twice.html', forms*2)
        if len(open_page(driver, twice)) != 2*len(forms): bad.append('an explorer is missing on the page')
        say('as stored', [w for f in forms_of(driver) if (w := wrong(driver, f))])
        say('fetched', [u for u in fetched(driver) if u != twice])
        say('moved', try_all(driver)); shot(driver, shots, 'moved'); say('keyboard', try_tab(driver))
        (d/'saved.html').write_text(driver.execute_script('return "<!doctype html>" + document.documentElement.outerHTML'), encoding='utf-8')
        open_page(driver, (d/'saved.html').as_uri()); say('saved and opened again', try_all(driver))
        say('fetched', [u for u in fetched(driver) if not u.startswith(d.as_uri())]); say('console', complaints(driver))

        if (page := root/'docs/15_widgets.html').is_file():
            say('the page of the site', [] if len(open_page(driver, page.as_uri())) == len(forms) else ['an explorer is missing']); say('the page of the site', try_all(driver)); shot(driver, shots, 'site'); complaints(driver)
        off = open_page(driver, write_page(d/'off.html', forms, scripts=False)); before = looks(driver)
        for f in off: by_mouse(driver, next(iter(c for c in controls(f).values() if len(c) > 1 or c[0].get_attribute('type') == 'range')))
        if looks(driver) != before: bad.append('a page without scripts moves: this test could not fail')
        shot(driver, shots, 'without_scripts')
        for scheme in ('light', 'dark'):
            driver.execute_cdp_cmd('Emulation.setEmulatedMedia', dict(features=[dict(name='prefers-color-scheme', value=scheme)]))
            for k, f in enumerate(forms): open_page(driver, write_page(d/f'{scheme}{k}.html', [f])); say(scheme, contrast(driver)); shot(driver, shots, f'{scheme}_{k}')
        driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(width=360, height=800, deviceScaleFactor=1, mobile=True))
        for k, f in enumerate(forms): open_page(driver, write_page(d/f'phone{k}.html', [f])); say('phone', too_wide(driver)); shot(driver, shots, f'phone_{k}')
    return bad

if __name__ == '__main__':
    if sys.argv[1:2] != ['widgets']: sys.exit(__doc__)
    if missing():
        if '--optional' not in sys.argv: sys.exit(f'{" and ".join(missing())} not found: install them (Debian: apt-get install chromium chromium-driver)')
        print(f'not run here: {" and ".join(missing())} not found'); sys.exit()
    bad = widgets(sys.argv[sys.argv.index('--shots') + 1] if '--shots' in sys.argv else None)
    sys.exit('\n'.join(bad) or print(f'{len(outputs())} explorers: mouse, keys, saved page, light and dark, phone width; nothing fetched, no console message'))
