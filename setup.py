"All facts about the package stand in settings.ini; this file only hands them on."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='], interpolation=None)
ini.read(here/'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'], author=cfg['author'], license='Apache-2.0', url=cfg['git_url'],
    long_description=(here/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path']+'.*']), include_package_data=True, package_data={cfg['lib_path']: ['assets/**', '*.pyi', 'py.typed']},
    python_requires='>='+cfg['min_python'], install_requires=cfg['requirements'].split(), extras_require=dict(dev=cfg['dev_requirements'].split(), prompts=cfg['prompts_requirements'].split()),
    entry_points=dict(console_scripts=[s.strip() for s in cfg['console_scripts'].splitlines() if s.strip()], nbdev=[f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"]),
    zip_safe=False)
