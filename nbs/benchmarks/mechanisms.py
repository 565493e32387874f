"""What mechanisms beyond the paper do to the eight development concepts, on the base in FOLDER.

`python nbs/benchmarks/mechanisms.py FOLDER` fills mechanisms.json beside this file, concept by
concept; what is there is kept. Scores are those of base.py."""
import argparse, json, os, time
from contextlib import ExitStack, contextmanager
from pathlib import Path
import torch
import base

RESULTS = Path(__file__).resolve().parent/'mechanisms.json'
LEARNED = { # name -> what differs from the base's recipe with masks
    'as the base learns': {},
    'nothing kept outside (κ = 0)': dict(keep_outside=0.),
    'the row keeps its length': dict(keep_length=True),
    'a slower row (0.01)': dict(lr_embedding=.01),
    'told by the code, not learned': dict(code=True, steps=0),
    'begun with the code': dict(code=True),
    'two values': dict(values=2), 'three values': dict(values=3),
    'a step by its denoising': dict(select='denoising', every=20),
    'C = I': dict(identity=True),
    'plain: no masks, row at rest': dict(masks=False, lr_embedding=1e-5)}
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
    "One row's numbers; of a pair the concept's answers stand first"
    mean = lambda values: round(float(torch.as_tensor(values).float().mean()), 4)
    pairs = [p for p in found.values() if isinstance(p, dict)]
    there = torch.tensor([t for p in pairs for t in p['there']]).bool()
    itself = torch.tensor([s for p in pairs for s in p['itself']]).bool()[:, 0]
    background = mean(found['background']) - mean(found['plain_background'])
    return dict(identity=mean(found['identity']), prompt=mean(found['prompt']),
                background=round(background, 4), neighbour=mean(there[:, 1]),
                itself=mean(there[:, 0] & itself))

def several_values(values):
    "The callback `SeveralValues`, from the cells of the page that derives it"
    page = json.loads((RESULTS.parents[1]/'explanations'/'several.ipynb').read_text())
    wanted, names = [f'several-{n}' for n in ('003', '011', '021', '031', '032')], {}
    for cell in page['cells']:
        if cell['id'] in wanted: exec(''.join(cell['source']), names)
    return names['SeveralValues'](values)

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
        how['callbacks'] = [several_values(how.pop('values'))]
    if how.pop('identity', False):
        width = perf.pipe.text_encoder.config.hidden_size
        how['covariance'] = Covariance(torch.eye(width), ridge=0)
    return how

def learned(pipe, judge, thing, how, folder, drawn=()):
    "Scores of a concept that is learned anew, and of other ways to draw it"
    from perfusion_nb.wiring import Perfusion
    perf, start, around = Perfusion(pipe), time.perf_counter(), []
    try:
        how = spelled_out(perf, thing, how, folder)
        around += [b for b in how.get('callbacks', []) if hasattr(b, 'close')]
        shown = base.learn(perf, thing, **how)
        seconds = round(time.perf_counter() - start)
        steps = perf.record(f'<{thing}>').meta['steps']
        told = {None: means(base.scores(perf, judge, thing, shown, 2))}
        told[None] |= dict(seconds=seconds, steps=steps)
        for name in drawn:
            with drawing(perf, **DRAWN[name]):
                told[name] = means(base.scores(perf, judge, thing, shown, 2))
        return told
    finally:
        for callback in around: callback.close()
        perf.remove()

def of(pipe, judge, thing, folder, only=None):
    "All mechanisms on one concept"
    rows = {}
    for name, how in LEARNED.items():
        first = name == 'as the base learns'
        if only and name not in only and not first: continue
        ways = [w for w in DRAWN if not only or w in only] if first else []
        told = learned(pipe, judge, thing, how, folder, ways)
        rows[name] = told.pop(None)
        rows |= told
    return rows

def run(folder, out, things, only):
    from perfusion_nb.base import base_pipeline
    from perfusion_nb.concept import write_atomic
    from perfusion_nb.judge import load_judge
    import perfusion_nb.choose, perfusion_nb.confine, perfusion_nb.guidance
    pipe, judge, done = base_pipeline(folder), load_judge(), base.read(out)
    for thing in things:
        if thing in done: continue
        done[thing] = of(pipe, judge, thing, folder, only)
        write_atomic(out, (json.dumps(done, indent=1) + '\n').encode())
        print(thing, done[thing], flush=True)

if __name__ == '__main__':
    from perfusion_nb.world import DEVELOP
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folder', type=Path)
    p.add_argument('--things', nargs='+', default=DEVELOP, choices=DEVELOP)
    p.add_argument('--only', nargs='+', choices=[*LEARNED, *DRAWN])
    p.add_argument('--out', type=Path, default=RESULTS)
    a = p.parse_args()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))
    run(a.folder, a.out, a.things, a.only)
