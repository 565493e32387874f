"""What mechanisms beyond the paper do to the eight development concepts, on the base in FOLDER.

`python nbs/benchmarks/mechanisms.py FOLDER` fills mechanisms.json beside this file, concept by
concept; what is there is kept. Scores are those of base.py. With `--concepts DIR` the concepts of
the base's recipe are kept as files, and `--together` draws them two by two: together.json."""
import argparse, json, os, time
from contextlib import ExitStack, contextmanager
from pathlib import Path
import numpy as np
import torch
import base

RESULTS = Path(__file__).resolve().parent/'mechanisms.json'
TOGETHER = RESULTS.with_name('together.json')
LEARNED = { # name -> what differs from the base's recipe with masks
    'as the base learns': {},
    'nothing kept outside (κ = 0)': dict(keep_outside=0.),
    'a moving row that keeps its length': dict(lr_embedding=.03, keep_length=True),
    'a moving row (0.01)': dict(lr_embedding=.01), 'a moving row (0.03)': dict(lr_embedding=.03),
    'told by the code, not learned': dict(code=True, steps=0),
    'begun with the code': dict(code=True),
    'two values': dict(values=2), 'three values': dict(values=3),
    'near things (λ = 0.001)': dict(near=.001), 'near things (λ = 0.01)': dict(near=.01),
    'a step by its denoising': dict(select='denoising', every=20),
    'C = I': dict(identity=True),
    'no masks': dict(masks=False)}
DRAWN = { # name -> how the concept of the base's recipe is drawn
    'w = 0.75': dict(weight=.75), 'w = 1.5': dict(weight=1.5), 'w = 2': dict(weight=2.),
    'confined': dict(confined=True), 'confined, w = 1.5': dict(weight=1.5, confined=True),
    'no gate': dict(gate=False), 'β = 0.35': dict(beta=.35), 'β = 0.95': dict(beta=.95),
    'τ = 0.05': dict(tau=.05), 'τ = 0.5': dict(tau=.5)}

@contextmanager
def drawing(perf, weight=None, confined=False, gate=True, beta=None, tau=None):
    "Within: concepts are drawn in this way"
    from perfusion_nb.baselines import ungated
    opens = perf.rider.opens
    with ExitStack() as ways:
        if weight is not None: ways.enter_context(perf.concept_guidance(weight))
        if confined: ways.enter_context(perf.confined())
        ways.enter_context(perf.using(beta, tau))
        try:
            if not gate: perf.rider.opens = ungated
            yield
        finally:
            perf.rider.opens = opens

def means(found):
    "One row's numbers; pictures in which the thing is not found have no leak"
    mean = lambda values: round(float(np.nanmean(values)), 4)
    background = mean(found['background']) - mean(found['plain_background'])
    keys = ('identity', 'prompt', 'leak', 'neighbour', 'itself', 'pair')
    return {key: mean(found[key]) for key in keys} | dict(
        background=round(background, 4), no_leak=int(np.isnan(found['leak']).sum()))

PAGES = { # page of explanations -> (the cells that define its callback, the callback)
    'several': ('003 011 021 031 032', 'SeveralValues'),
    'likely': ('003 011 021 031', 'NearThings')}

def callback_of(page):
    "A callback that no module has, from the cells of the page that derives it"
    ids, name = PAGES[page]
    cells = json.loads((RESULTS.parents[1]/'explanations'/f'{page}.ipynb').read_text())['cells']
    wanted, names = [f'{page}-{n}' for n in ids.split()], {}
    for cell in cells:
        if cell['id'] in wanted: exec(''.join(cell['source']), names)
    return names[name]

def spelled_out(perf, thing, how, folder):
    "What `select` and `code` stand for"
    from perfusion_nb.bycode import BeginWithCode, load_codes
    from perfusion_nb.covariance import Covariance
    from perfusion_nb.world import concept_pictures
    how, pictures = dict(how), concept_pictures(thing)
    if how.get('select') == 'denoising':
        how['select'] = perf.denoising_score(pictures, thing)
    if how.pop('code', False):
        how['callbacks'] = [BeginWithCode(load_codes(folder), pictures)]
    if 'values' in how:
        how['callbacks'] = [callback_of('several')(how.pop('values'))]
    if 'near' in how:
        how['callbacks'] = [callback_of('likely')(perf.base['things'], how.pop('near'))]
    if how.pop('identity', False):
        width = perf.pipe.text_encoder.config.hidden_size
        how['covariance'] = Covariance(torch.eye(width), ridge=0)
    return how

def learned(pipe, judge, thing, how, folder, drawn=(), keep=None):
    "Scores of a concept that is learned anew, and of other ways to draw it; its file, if kept"
    from perfusion_nb.wiring import Perfusion
    perf, start, around = Perfusion(pipe), time.perf_counter(), []
    try:
        how = spelled_out(perf, thing, how, folder)
        around += [b for b in how.get('callbacks', []) if hasattr(b, 'close')]
        shown = base.learn(perf, thing, **how)
        seconds = round(time.perf_counter() - start)
        steps = perf.record(f'<{thing}>').meta['steps']
        if keep: perf.save(keep/f'{thing}.safetensors', f'<{thing}>')
        before, word = base.plain_pictures(perf, thing), f'<{thing}>'
        told = {None: means(base.scores(perf.draw, judge, word, thing, shown, before))}
        told[None] |= dict(seconds=seconds, steps=steps)
        for name in drawn:
            with drawing(perf, **DRAWN[name]):
                told[name] = means(base.scores(perf.draw, judge, word, thing, shown, before))
        return told
    finally:
        for callback in around: callback.close()
        perf.remove()

def of(pipe, judge, thing, folder, only=None, keep=None):
    "All mechanisms on one concept"
    rows = {}
    for name, how in LEARNED.items():
        first = name == 'as the base learns'
        if only and name not in only and not first: continue
        ways = [w for w in DRAWN if not only or w in only] if first else []
        told = learned(pipe, judge, thing, how, folder, ways, keep if first else None)
        rows[name] = told.pop(None)
        rows |= told
    return rows

def run(folder, out, things, only, keep):
    pipe, judge, done = *parts(folder), base.read(out)
    for thing in things:
        if thing in done: continue
        done[thing] = of(pipe, judge, thing, folder, only, keep)
        base.write(out, done)
        print(thing, done[thing], flush=True)

def parts(folder):
    "The base, and its judge"
    from perfusion_nb.base import base_pipeline
    from perfusion_nb.judge import load_judge
    import perfusion_nb.choose, perfusion_nb.confine, perfusion_nb.guidance
    return base_pipeline(folder), load_judge()

# ---- Two concepts in one prompt

PAIRS = [('cat', 'owl'), ('mushroom', 'rocket'), ('fish', 'house'), ('monkey', 'snail')]
WAYS = {'as always': {}, 'confined': dict(confined=True)}

def pair_rows(perf, judge, pair):
    "Is each itself, with both concepts loaded?"
    from perfusion_nb.apart import together
    from perfusion_nb.world import concept_pictures
    words, shown = [f'<{t}>' for t in pair], [concept_pictures(t) for t in pair]
    draw, rows = base.in_turn(perf.draw, 3000), {}
    for name, how in WAYS.items():
        with drawing(perf, **how):
            each = together(draw, judge, words, shown, n=8)
        rows[name] = dict(each=each.mean(0).round(4).tolist(),
                          both=round(float(each.all(1).mean()), 4), pictures=len(each))
    return rows

def run_together(folder, out, keep):
    from perfusion_nb.wiring import Perfusion
    (pipe, judge), done = parts(folder), base.read(out)
    for pair in PAIRS:
        if ' + '.join(pair) in done: continue
        perf = Perfusion(pipe)
        try:
            for thing in pair: perf.load(keep/f'{thing}.safetensors')
            done[' + '.join(pair)] = pair_rows(perf, judge, pair)
        finally:
            perf.remove()
        base.write(out, done)
        print(pair, done[' + '.join(pair)], flush=True)

if __name__ == '__main__':
    from perfusion_nb.world import DEVELOP
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folder', type=Path)
    p.add_argument('--things', nargs='+', default=DEVELOP, choices=DEVELOP)
    p.add_argument('--only', nargs='+', choices=[*LEARNED, *DRAWN])
    p.add_argument('--concepts', type=Path)
    p.add_argument('--together', action='store_true')
    p.add_argument('--out', type=Path)
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))
    if a.concepts: a.concepts.mkdir(parents=True, exist_ok=True)
    if a.together:
        if not a.concepts: p.error('--together needs --concepts DIR, filled by a run before it.')
        run_together(a.folder, a.out or TOGETHER, a.concepts)
    else:
        run(a.folder, a.out or RESULTS, a.things, a.only, a.concepts)
